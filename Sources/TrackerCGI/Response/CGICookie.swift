import TrackerCore

/// A cookie to set on the client (RFC 6265, section 4.1).
public struct CGICookie: Sendable, Equatable {
    /// When a cookie is sent with requests from other sites.
    ///
    /// Not an optional where it is used: its `none` would be the optional's.
    public enum SameSite: Sendable {
        /// Never.
        case strict
        /// With top-level navigation only.
        case lax
        /// Always; browsers require `isSecure` with it.
        case none
        /// The browser decides; most take it for `lax`.
        case unspecified
    }

    /// The cookie's name: a token (RFC 9110, section 5.6.2).
    public var name: String
    /// The value, sent as is. Control characters, spaces, quotes, commas, semicolons and backslashes are not allowed.
    public var value: String
    /// The path prefix it applies to; nil leaves it to the browser.
    public var path: String?
    /// The domain it applies to; nil for this host alone.
    public var domain: String?
    /// The lifetime, sent in whole seconds; nil keeps the cookie until the browser closes.
    public var maximumAge: Duration?
    /// An HTTP date (RFC 9110, section 5.6.7), for clients that do not support `maximumAge`.
    public var expires: String?
    /// Whether it is sent over TLS only.
    public var isSecure: Bool
    /// Whether it is hidden from scripts.
    public var isHTTPOnly: Bool
    /// When it is sent with requests from other sites.
    public var sameSite: SameSite

    /// Creates a cookie, by default for the whole site, hidden from scripts, and `SameSite=Lax`.
    public init(
        name: String, value: String, path: String? = "/", domain: String? = nil, maximumAge: Duration? = nil,
        expires: String? = nil, isSecure: Bool = false, isHTTPOnly: Bool = true, sameSite: SameSite = .lax
    ) {
        self.name = name
        self.value = value
        self.path = path
        self.domain = domain
        self.maximumAge = maximumAge
        self.expires = expires
        self.isSecure = isSecure
        self.isHTTPOnly = isHTTPOnly
        self.sameSite = sameSite
    }

    /// The `Set-Cookie` value; nil if a part contains a character that is not allowed in it.
    public var headerValue: String? {
        guard !name.isEmpty, name.utf8.allSatisfy(ASCII.isTokenByte), value.utf8.allSatisfy(Self.isValueByte)
        else { return nil }
        for attribute in [path, domain, expires] {
            if let attribute, !attribute.utf8.allSatisfy(Self.isAttributeByte) { return nil }
        }
        var text = "\(name)=\(value)"
        if let path { text += "; Path=\(path)" }
        if let domain { text += "; Domain=\(domain)" }
        if let expires { text += "; Expires=\(expires)" }
        if let maximumAge { text += "; Max-Age=\(maximumAge.components.seconds)" }
        if isSecure { text += "; Secure" }
        if isHTTPOnly { text += "; HttpOnly" }
        switch sameSite {
        case .strict: text += "; SameSite=Strict"
        case .lax: text += "; SameSite=Lax"
        case .none: text += "; SameSite=None"
        case .unspecified: break
        }
        return text
    }

    private static func isValueByte(_ byte: UInt8) -> Bool {
        ASCII.isVisible(byte) && !"\",;\\".utf8.contains(byte)
    }

    private static func isAttributeByte(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: ";")
    }
}
