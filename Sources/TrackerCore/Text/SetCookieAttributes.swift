/// Reads a `Set-Cookie` value (RFC 6265, section 4.1) into the form an event has for it: a name, and nine attributes
/// that are always there. The cookie's value is not part of it.
struct SetCookieAttributes: Equatable {
    var name = ""
    var expires = ""
    var path = ""
    var comment = ""
    var domain = ""
    var maximumAge: Int64?
    var isSecure = false
    var isHTTPOnly = false
    var version = ""
    var sameSite = ""

    init?(_ text: String) {
        var isFirst = true
        for part in text.split(separator: ";", omittingEmptySubsequences: false) {
            let equals = part.utf8.firstIndex(of: UInt8(ascii: "="))
            let key = part[..<(equals ?? part.endIndex)].trimmingSpaces()
            let value = equals.map { part[part.utf8.index(after: $0)...].trimmingSpaces() } ?? ""
            if isFirst {
                guard equals != nil, !key.isEmpty else { return nil }
                name = key
                isFirst = false
                continue
            }
            switch key.lowercased() {
            case "expires": expires = value
            case "path": path = value
            case "comment": comment = value
            case "domain": domain = value
            case "max-age": maximumAge = Int64(value)
            case "secure": isSecure = true
            case "httponly": isHTTPOnly = true
            case "version": version = value
            case "samesite": sameSite = value
            default: break
            }
        }
    }
}
