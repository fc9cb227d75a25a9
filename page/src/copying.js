// The buttons that copy a line.

async function copy(text, source) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // From file:// some browsers have no clipboard for scripts; the old way needs a selection.
    getSelection().selectAllChildren(source);
    document.execCommand("copy");
  }
}

export function copying() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const source = document.getElementById(button.dataset.copy);
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      await copy(source.textContent, source);
      button.textContent = "copied";
      setTimeout(() => (button.textContent = "copy"), 2000);
    });
  }
}
