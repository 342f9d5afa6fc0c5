"""The demo: plays the main job over HTTP, in a town of people who are not real.

Words: a *citizen of the demo* logs in with ``demo-citizen-00001`` and so on; the *cast* are the first of them, one of
every level and honour; the *tour* (导览) is a row of *scenes*, each of which shows what happens and checks it.

Promises: a second start finds what is there. One wrong outcome ends the tour with a failure.
"""
