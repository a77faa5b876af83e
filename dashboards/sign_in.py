"""Who looks: Streamlit's own sign-in, whose token the API verifies itself."""

from __future__ import annotations

import os

import streamlit as st

from threadline.wire import Me


def configured() -> bool:
    """Whether people sign in here: only then does Streamlit know of anybody, or of nobody."""
    return "is_logged_in" in st.user


def token() -> str:
    """What the API is asked with: the token of who looks, else that of the dashboards; or ''."""
    if not configured():
        return os.environ.get("THREADLINE_API_TOKEN", "")
    if not st.user.is_logged_in:
        return ""
    return str(st.user.tokens.get("id", ""))


def needed() -> bool:
    """Whether there is nothing to show before somebody signs in."""
    return configured() and not st.user.is_logged_in


def page() -> None:
    """The way in."""
    st.title("Threadline")
    st.write("Follows every contract through every system it crosses.")
    if st.button("Sign in", type="primary", icon=":material/login:"):
        st.login()


def ended(detail: str) -> None:
    """The API does not take the token any more."""
    if not configured():
        st.warning("**The API asks for a token.** Set `dashboards.token` and start again.")
        return
    st.warning("**Your sign-in has ended.**", icon=":material/lock_clock:")
    st.text(detail)
    if st.button("Sign in again", type="primary", icon=":material/login:"):
        st.login()


def corner(me: Me) -> None:
    """Who is signed in, and the way out."""
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        st.text(f"{me.who} ({', '.join(me.roles) or 'no role'})")
        if st.button("Sign out", icon=":material/logout:"):
            st.logout()


def no_role(me: Me) -> None:
    """Known, and nothing is allowed."""
    st.title("You have no role here")
    st.text(f"You are signed in as {me.who}.")
    st.write(
        "Whoever looks after your organisation's sign-in can give you one: executive, support,"
        " on-call or admin. Then sign out and in again."
    )
