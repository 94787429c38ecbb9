"""The request that every contender tracks: a browser's, with 15 header fields and a session cookie."""

SESSION = "00112233445566778899aabbccddeeff"
HEADERS = {
    "Host": "www.example.com",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "https://www.example.org/articles/2026/11/a-long-title-of-an-article?ref=front&pos=3",
    "DNT": "1",
    "Sec-GPC": "1",
    "Connection": "keep-alive",
    "Cookie": f"theme=dark; ra_session_id={SESSION}; consent=analytics%3Dyes",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "cross-site",
    "If-None-Match": 'W/"5f3c-18b2c4d1e00"',
}


def environ(path, user_agent):
    """Returns the same request for a WSGI app."""
    variables = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in HEADERS.items()}
    return {
        **variables,
        "HTTP_USER_AGENT": user_agent,
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "utm_source=newsletter",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": EMPTY,
        "wsgi.errors": ERRORS,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


class _Empty:
    def read(self, *_):
        return b""

    readline = read


class _Errors:
    def write(self, *_):
        pass

    writelines = write

    def flush(self):
        pass


EMPTY, ERRORS = _Empty(), _Errors()
