"""An agent as a graph of LangGraph, over chat completions."""

from __future__ import annotations

from typing import Any

from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from towns import population

model = ChatOpenAI(model="tiny").bind_tools([population])


async def think(state: MessagesState) -> dict[str, Any]:
    return {"messages": [await model.ainvoke(state["messages"])]}


def think_blocking(state: MessagesState) -> dict[str, Any]:
    return {"messages": [model.invoke(state["messages"])]}


def graph_of(thinking: Any) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("think", thinking)
    graph.add_node("tools", ToolNode([population]))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", tools_condition)
    graph.add_edge("tools", "think")
    return graph.compile()


agent, blocking_agent = graph_of(think), graph_of(think_blocking)


async def ask(question: str) -> str:
    return (await agent.ainvoke({"messages": [("user", question)]}))["messages"][-1].content


def ask_blocking(question: str) -> str:
    return blocking_agent.invoke({"messages": [("user", question)]})["messages"][-1].content


async def ask_streaming(question: str) -> str:
    asked = {"messages": [("user", question)]}
    return "".join(
        [part.content async for part, _ in agent.astream(asked, stream_mode="messages") if part.content]
    )
