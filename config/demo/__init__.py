"""The whole product on one machine, with a pretend messenger network and one call to look at."""

from config.demo.demo import run_demo

__all__ = ["run_demo"]
