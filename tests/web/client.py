"""A client that sends requests exactly as they are written."""

import http.client

from handgrad.web.server import LocalServer


class Client:
    """Sends requests to a server exactly as they are written."""

    def __init__(self, server: LocalServer) -> None:
        self.server, self.host = server, f"127.0.0.1:{server.port}"
        self.own = {"Host": self.host, "X-Handgrad-Token": server.token}

    def ask(self, method, path, headers, body=None):
        """Return the status of the answer to one request; 0 if the connection is closed."""
        return self.answer(method, path, headers, body)[0]

    def answer(self, method, path, headers, body=None):
        """Return the status, the headers and the body of the answer to one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=5)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items() if isinstance(headers, dict) else headers:
            connection.putheader(name, value.replace("PORT", str(self.server.port)))
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        try:
            found = connection.getresponse()
            return found.status, dict(found.getheaders()), found.read()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return 0, {}, b""
        finally:
            connection.close()
