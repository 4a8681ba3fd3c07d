"""Snakemake that looks each second whether its jobs have ended.

The executor itself puts the next look off by ten seconds whenever it finds none, and sleeps for most of a short run.
"""

import runpy

from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(lambda _: 1, lambda _, _seconds: None)
runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
