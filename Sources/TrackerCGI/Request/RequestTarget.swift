import TrackerCore

/// The target of a request: its path and query, derived from the variables.
///
/// `REQUEST_URI` takes precedence: it is the only variable that every server sends as the client wrote it.
/// `SCRIPT_NAME` and `PATH_INFO` arrive decoded, so they must not be decoded again.
struct RequestTarget: Sendable {
    /// The target as sent; bytes that are not allowed in a request line are percent-encoded.
    var requestURI: String
    /// The whole path, decoded once.
    var path: String
    /// The prefix under which the app is mounted, without a trailing slash; empty at the root.
    var scriptName: String
    /// The path below the prefix, which routes are matched against; at least "/".
    var pathInfo: String
    /// The query as sent, without the question mark.
    var query: String

    /// - Parameter mountPath: the prefix, if the app knows it better than the variables do.
    init(_ variables: CGIVariables, mountPath: String?) {
        let mount = MountPoint(variables, mountPath: mountPath)

        if let index = variables.lastIndex(of: "REQUEST_URI"), !variables.valueBytes(at: index).isEmpty {
            let parts = Self.split(variables.valueBytes(at: index))
            requestURI = PercentEncoding.encodeInvisible(variables.valueBytes(at: index))
            path =
                parts.path.contains(UInt8(ascii: "%"))
                ? TextDecoding.string(PercentEncoding.decode(parts.path)) : TextDecoding.string(parts.path)
            query = variables.text("QUERY_STRING") ?? TextDecoding.string(parts.query)
        } else {
            path = mount.serverPath.isEmpty ? "/" : mount.serverPath
            query = variables.text("QUERY_STRING") ?? ""
            requestURI = PercentEncoding.encodePath(path.utf8)
            if !query.isEmpty { requestURI += "?" + PercentEncoding.encodeInvisible(query.utf8) }
        }
        scriptName = Self.visiblePrefix(mount, path: path) ?? mount.prefix
        pathInfo = Self.pathBelow(mount, path: path)
        if pathInfo.isEmpty { pathInfo = "/" }
    }

    /// Returns the prefix that the client knows if a rewrite rule hides the program's name (`RewriteRule` to
    /// `app.cgi/...`): links and redirects must use that one.
    private static func visiblePrefix(_ mount: MountPoint, path: String) -> String? {
        guard !mount.prefix.isEmpty, let pathInfo = mount.pathInfo, !pathInfo.isEmpty, !hasDotSegments(path),
            !path.utf8.starts(with: mount.prefix.utf8), path.utf8.count >= pathInfo.utf8.count,
            path.utf8.suffix(pathInfo.utf8.count).elementsEqual(pathInfo.utf8)
        else { return nil }
        return String(decoding: path.utf8.dropLast(pathInfo.utf8.count), as: UTF8.self)
    }

    /// Returns the path below the mount prefix.
    ///
    /// A path with dot segments is taken as the web server resolved it: the server's access rules applied to that form,
    /// and routing by another one would bypass them.
    private static func pathBelow(_ mount: MountPoint, path: String) -> String {
        if mount.isRewritten, let pathInfo = mount.pathInfo { return pathInfo }
        var path = path
        if !mount.serverPath.isEmpty, hasDotSegments(path) { path = mount.serverPath }
        if mount.prefix.isEmpty { return path }
        if path.utf8.starts(with: mount.prefix.utf8) {
            let rest = path.utf8.dropFirst(mount.prefix.utf8.count)
            if rest.isEmpty || rest.first == UInt8(ascii: "/") { return String(Substring(rest)) }
        }
        return mount.pathInfo ?? path
    }

    private static func hasDotSegments(_ path: String) -> Bool {
        guard path.utf8.contains(UInt8(ascii: ".")) else { return false }
        return path.utf8.split(separator: UInt8(ascii: "/")).contains { segment in
            segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8)
        }
    }

    /// Returns path and query of a target in origin form or absolute form (RFC 9112, section 3.2), without the
    /// fragment.
    private static func split(_ target: ArraySlice<UInt8>) -> (path: ArraySlice<UInt8>, query: ArraySlice<UInt8>) {
        var rest = target.prefix { $0 != UInt8(ascii: "#") }
        var isAbsolute = false
        if let first = rest.first, first != UInt8(ascii: "/"), let colon = rest.firstIndex(of: UInt8(ascii: ":")),
            rest[colon...].starts(with: "://".utf8), !rest[..<colon].contains(UInt8(ascii: "?"))
        {
            isAbsolute = true
            rest = rest[colon...].dropFirst(3).drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        }
        var path = rest.prefix { $0 != UInt8(ascii: "?") }
        let query = rest[path.endIndex...].dropFirst()
        if path.isEmpty, isAbsolute { path = ArraySlice("/".utf8) }
        return (path, query)
    }
}
