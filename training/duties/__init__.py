"""What the child process can be asked to do, one module a duty; workers never import these.

`perform(job, folder, report, should_stop)` takes the job as plain values and returns the result
with a `status`, "done" or "stopped". Called again after a kill it goes on from what it finds in
the folder. Only the duty's own libraries are imported: scoring need not wait for a trainer's.
"""
