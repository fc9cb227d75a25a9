"""A loop over Inspect's model API, outside an evaluation."""

from __future__ import annotations

from inspect_ai.model import ChatMessageUser, execute_tools, get_model
from inspect_ai.tool import Tool, tool
from towns import population as looked_up


@tool
def population() -> Tool:
    async def execute(city: str) -> int:
        """How many people live in a city.

        Args:
            city: The city.
        """
        return looked_up(city)

    return execute


async def ask(question: str) -> str:
    model = get_model("openai/tiny", responses_api=False)
    messages = [ChatMessageUser(content=question)]
    while True:
        said = (await model.generate(messages, tools=[population()])).message
        if not said.tool_calls:
            return said.text
        messages += [said, *(await execute_tools([*messages, said], [population()])).messages]
