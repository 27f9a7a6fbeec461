"""What waits on this machine: received events until they are sent, and those that were refused.

Both stand in one SQLite file of a state folder. What `put` has returned for is on disk.
"""
