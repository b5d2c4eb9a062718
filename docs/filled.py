"""Markdown whose paragraphs are filled to one width, so that a page changes where its words change."""

import textwrap


def filled(text: str, width: int = 110) -> str:
    """Markdown with its paragraphs and list items filled anew; all else stays."""
    out: list[str] = []
    waiting: list[str] = []
    in_code = False

    def finish() -> None:
        if waiting:
            indent = "  " if waiting[0].startswith("- ") else ""
            words = " ".join(" ".join(waiting).split())
            out.append(
                textwrap.fill(
                    words,
                    width,
                    subsequent_indent=indent,
                    break_on_hyphens=False,
                    break_long_words=False,
                )
            )
            waiting.clear()

    for line in text.splitlines():
        fence = line.startswith("```")
        if in_code or fence or line.startswith(("|", "#", "!", "<")) or not line.strip():
            finish()
            if in_code or line.strip() or (out and out[-1]):
                out.append(line)
            in_code ^= fence
            continue
        if line.startswith("- "):
            finish()
        waiting.append(line)
    finish()
    return "\n".join(out).rstrip("\n") + "\n"
