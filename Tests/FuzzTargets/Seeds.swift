import TrackerCore

/// Well-formed inputs to start from, and inputs that once found a bug.
enum Seeds {
    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    static let requests = [
        """
        example.com:8443
        /a/b%20c/?q=1&token=abc&next=https%3A%2F%2Fe.org%2F%3Fpassword%3Dx#f
        Host: example.com
        Cookie: a=1; ra_session_id=0b66c26a1f4c4f418e8f0afcbc22d24b; b="x;y"
        Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc
        Referer: https://user:pass@e.org/a;jsessionid=1?card=4111111111111111&mail=bob%40example.com
        X-Data: {"password":"x","a":{"b":[1,2]},\\"key\\":\\"y\\"}
        X-Forwarded-For: 192.0.2.1, 10.0.0.1
        """,
        "[::1]\n*\nX: %25%2525%3D%", "\n\n\n:\n: :\n", "h\nhttp://x@y/%zz?%\nA:\u{0}\u{1F600}",
        // Names that differ only in bytes that a name can't contain.
        "h\n/\n\u{C}: a\n\r: b\n\"x: c\n\\x: d",
        // An unclosed quote, and an object under a sensitive name.
        "h\n/?secret={\"a\nX: token=\"", "h\n/?a=%22token%22%3A%22",
        // Forty characters like an AWS secret, one of them the path's slash.
        "h\n/cGFcGFzc3dvcmQ9cGFzc3dvcmQ9cGFzc3dvcmQ9",
        // A mailbox name so long that the search for its start begins inside a character.
        "h\n/\nX: " + String(repeating: "\u{1F600}", count: 30) + "bob@example.com",
    ].map(bytes)

    static let filtered = FilterProbe.beginnings.map(bytes) + requests

    static let cookies = [
        "a=1; b=\"2;3\"; c=\\303\\251; ra_session_id=\"0b66c26a1f4c4f418e8f0afcbc22d24b\"", "=;;=a; ;b", "a", "\"\\",
        "a=\"\\12\\", "ra_session_id=",
    ].map(bytes)

    static let fastCGI: [[UInt8]] = {
        let begin: [UInt8] = [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
        let pair: [UInt8] = [4, 3] + bytes("NAMEval") + [0x80, 0, 0, 1, 0x80, 0, 0, 2] + bytes("Axy")
        let params: [UInt8] = [1, 4, 0, 1, 0, UInt8(pair.count), 3, 0] + pair + [0, 0, 0]
        return [
            begin + params + [1, 4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1, 0, 0, 0, 0], [1, 9, 0, 0, 0, 0, 0, 0],
            [2, 1, 255, 255, 255, 255, 255, 255], [1, 4, 0, 1, 0, 5, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0],
        ]
    }()

    static let variables = [
        """
        REQUEST_METHOD=GET
        REQUEST_URI=/a/b%20c?d=e&f
        SCRIPT_NAME=/a
        PATH_INFO=/b c
        QUERY_STRING=d=e&f
        SERVER_NAME=example.com
        SERVER_PORT=8080
        HTTPS=on
        HTTP_HOST=[::1]:99
        HTTP_COOKIE=a=1; b=2
        HTTP_X_Y=z
        HTTP_PROXY=http://evil
        CONTENT_TYPE=text/plain
        CONTENT_LENGTH=-1
        """, "REQUEST_URI=http://h:1/x?y\nSCRIPT_NAME=/x\n=\n==", "PATH_INFO=%%%\nREQUEST_URI=",
    ].map(bytes)

    static let http = [
        "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\nT: v\r\n\r\n",
        "PUT * HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde", "GET / HTTP/1.1\n\n",
        "OPTIONS http://h/ HTTP/1.1\r\n a: b\r\n\r\n", "X\r\n\r\n", "\r\n\r\n",
    ].map(bytes)

    static let segments = [
        SpoolProbe.segment([bytes("{\"a\":1}"), bytes("{}\n{}\n"), []]),
        SpoolProbe.segment((0..<5).map { [UInt8](repeating: 0x41, count: $0 * 50) }), [], [0xF5, 0x52, 0x41],
    ]

    static let json = [
        "{\"a\":[1,-2.5e10,true,null,\"\\u00e9\\ud83d\\ude00\\n\"],\"b\":{}}", "[[[[[[]]]]]]", "\"\\ud800\"", "1e999",
        "-", "{\"a\":1,\"a\":2}", "123456789012345678901234567890",
    ].map(bytes)

    static let dates = [
        "Wed, 21 Oct 2026 07:28:00 GMT", "120", "a=b; Path=/; Max-Age=99999999999999999999; Expires=x; SameSite=Lax",
        "https://user:pw@[::1]:65536/a/b?c", "gzip;q=0.0, br", "10.0.0.0/8, ::ffff:1.2.3.4/97",
        "for=\"[2001:db8::1]:80\";by=_x, for=unknown", "example.com:99999",
    ].map(bytes)

    /// Fragments that are significant to one of the parsers.
    static let dictionary =
        [
            "=", "&", "%3D", "%253D", "%", "%25", "?", "#", ";", ",", "\"", "\\", "{", "}", "[", "]", "@", "://", ":",
            "\r\n",
            "\n", "\u{0}", "token", "password", "Bearer ", "eyJhbGciOiJ9.", "4111111111111111", "\u{1F600}", "\u{2028}",
            "é", "\\u0070", "&#112;", "sk-", "ghp_", "SG.", "/reset/", "code=", "DE89 ", "+49 ", "cGFzc3dvcmQ9",
            "<token>", "chunked", "Content-Length: ", "0", "-1", "18446744073709551616", "ra_session_id=", "GMT",
        ].map(bytes) + [
            [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0x80, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0xF7, 0x52, 0x4C, 0xFE],
        ]
}
