"""The HTTP server: processes that share a listening socket, and threads that share a poller.

    processes.py   starts the server processes and replaces those that end
    threads.py     one process: whichever thread sees a request complete answers it
    connection.py  one client: bytes in, bytes out, and by when
    requests.py    bytes to requests, or to the reason why they are none
    gateway.py     a request to the WSGI application, its answer to bytes
    poller.py      which connections are ready

A request reaches a thread of the application only when its body is there, so clients that are slow to send
hold no thread; and the thread that received its last byte answers it, without a hand-over.
"""
