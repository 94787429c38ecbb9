import TrackerCore

/// Where a web server mounts the app, derived from the variables.
///
/// In RFC 3875 `SCRIPT_NAME` is the prefix and `PATH_INFO` the rest. Without `PATH_INFO` servers disagree on
/// `SCRIPT_NAME`: nginx and Apache's mod_proxy_fcgi send the whole path, CGI servers the program's own.
struct MountPoint {
    /// The prefix, without a trailing slash; empty at the root.
    let prefix: String
    /// The path below the prefix, decoded by the web server; nil if it does not send one.
    let pathInfo: String?
    /// The whole path as the web server resolved it.
    let serverPath: String
    /// Whether the web server rewrote the client's path.
    let isRewritten: Bool

    /// - Parameter mountPath: the prefix, if the app knows it better than the variables do.
    init(_ variables: CGIVariables, mountPath: String?) {
        let scriptName = variables.nonEmptyText("SCRIPT_NAME") ?? ""
        let sentPathInfo = variables.text("PATH_INFO")
        serverPath = scriptName + (sentPathInfo ?? "")
        var isRewritten = false
        var prefix = scriptName
        var pathInfo = sentPathInfo
        if let mountPath {
            prefix = mountPath.utf8.first == UInt8(ascii: "/") || mountPath.isEmpty ? mountPath : "/" + mountPath
        } else if sentPathInfo == nil {
            switch Self.meaning(of: scriptName, variables) {
            case .wholePath: prefix = ""
            case .program: pathInfo = ""
            case .prefixed(let inner):
                prefix = String(decoding: scriptName.utf8.dropLast(inner.utf8.count), as: UTF8.self)
                pathInfo = inner
            case .rewritten(let inner):
                prefix = ""
                pathInfo = inner
                isRewritten = true
            }
        }
        while prefix.utf8.last == UInt8(ascii: "/") { prefix.removeLast() }
        self.prefix = prefix
        self.pathInfo = pathInfo
        self.isRewritten = isRewritten
    }

    /// What `SCRIPT_NAME` means without `PATH_INFO`.
    private enum Meaning {
        /// The whole path; the app is at the root.
        case wholePath
        /// The app itself, and nothing below it.
        case program
        /// A prefix, followed by this path.
        case prefixed(String)
        /// The client's path, which the web server rewrote to this one.
        case rewritten(String)
    }

    private static func meaning(of scriptName: String, _ variables: CGIVariables) -> Meaning {
        let server = variables.text("SERVER_SOFTWARE") ?? ""
        let file = variables.text("SCRIPT_FILENAME") ?? ""
        if let inner = proxiedPath(file) {
            // With `SetHandler "proxy:fcgi://..."` the path is that of a file.
            if scriptName.isEmpty || inner == (variables.text("DOCUMENT_ROOT") ?? "") + scriptName { return .program }
            if hasSuffix(scriptName, inner) { return .prefixed(inner) }
            return inner == "/" ? .program : .rewritten(inner)
        }
        if server.hasPrefix("Apache") {
            // `ProxyFCGIBackendType GENERIC` omits the scheme. The file of a CGI program is not part of its URL.
            let inner = decoded(file)
            return inner.hasPrefix("/") && hasSuffix(scriptName, inner) ? .prefixed(inner) : .program
        }
        return server.hasPrefix("lighttpd") ? .program : .wholePath
    }

    /// Returns the path in Apache's `ProxyPass` target, `proxy:fcgi://host:port/path`, percent-decoded.
    private static func proxiedPath(_ file: String) -> String? {
        let scheme = "proxy:fcgi://"
        guard file.hasPrefix(scheme) else { return nil }
        let rest = file.dropFirst(scheme.count)
        guard let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) else { return "/" }
        return decoded(String(rest[slash...]))
    }

    /// Compares bytes, where `String` would compare characters.
    private static func hasSuffix(_ text: String, _ suffix: String) -> Bool {
        text.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    private static func decoded(_ path: String) -> String {
        TextDecoding.string(PercentEncoding.decode(path.utf8))
    }
}
