"""The demo city (惠信市, which does not exist): makes it at any size, and plays the main job in it over HTTP.

Words: a *citizen of the demo* logs in with ``demo-citizen-00001`` and so on; the *cast* are the first of them, one of
every level and honour; a *block* is a thousand people made together; a *feed* is a department's file about them; a
*place* is an institution with its stores, terminals and benefits; the *tour* (导览) is a row of *scenes*, each of which
shows what happens and checks it.

Promises: nobody here is real, because no ID number's area code is assigned to any place. The same seed makes the same
people, on one day with the same records. People come by COPY and are scored by the real engine; institutions, officials
and campaigns come about by the real actions, so that maker and checker are two and the audit chain holds. A second
start finds what is there. One wrong outcome ends the tour with a failure.
"""
