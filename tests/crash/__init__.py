"""The crash test: everything is killed while people are admitted, and a separate program looks at what the database holds afterwards.

`population` prepares people and files, `crew` keeps the processes, `points` are the places at which a process can be told to die, `faults` what
happens and when, `traffic` people at the doors, `gateways` what takes the letters, `checker` the program that judges. `python -m tests.crash` is the long form.
"""
