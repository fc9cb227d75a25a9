"""YAML as JSON has it: no dates, no objects, and no aliases, which can make a short file endless."""

from __future__ import annotations

from typing import Any, ClassVar

import yaml

_DATES = "tag:yaml.org,2002:timestamp"


class PlainLoader(yaml.SafeLoader):  # type: ignore[misc]  # pyyaml has no types
    """Reads texts, numbers, booleans, null, lists and mappings."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {
        first: [resolver for resolver in resolvers if resolver[0] != _DATES]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node; an alias is refused."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.YAMLError(f"line {event.start_mark.line + 1} has an alias, *{event.anchor}")
        return super().compose_node(parent, index)
