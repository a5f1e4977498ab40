"""``python -m open_llm_proxy``."""

from open_llm_proxy.cli.main import main

if __name__ == "__main__":
    main()
