"""What becomes of mail when the server misbehaves: three clients against one scripted server (`make bench-faults`).

The server is the one of the tests (`tests.faults`). It knows the truth, which messages it holds, and a client cannot
see that; the table puts the two side by side.
"""
