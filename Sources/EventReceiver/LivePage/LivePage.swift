import CLibrary
import DemoServer

/// The page that shows events live. Its files are embedded in this program; nothing is loaded from elsewhere.
///
/// `scripts/embed-page` generates `PageFiles` from the folder `Page`.
enum LivePage {
    /// Nothing inline, nothing from elsewhere: whatever an event contains, the browser runs only what is served here.
    static let contentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// - Parameter folder: where the files are read from on each request; nil for the embedded ones.
    static func addRoutes(to router: Router, folder: String?) {
        let files = PageFiles.all.map { name, text in (name: name, bytes: Array("\(text)".utf8)) }
        for (name, bytes) in files {
            let path = name == "index.html" ? "/" : "/_page/\(name)"
            router.on("GET", path, name: "live page") { _ in
                guard let folder else { return answer(name, bytes) }
                return answer(name, FileInput.read("\(folder)/\(name)") ?? bytes)
            }
        }
    }

    private static func answer(_ name: String, _ bytes: [UInt8]) -> HTTPResponse {
        let type = name.hasSuffix(".css") ? "text/css" : name.hasSuffix(".js") ? "text/javascript" : "text/html"
        return HTTPResponse(
            headers: [
                ("Content-Type", "\(type); charset=utf-8"), ("Content-Security-Policy", contentSecurityPolicy),
                ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                ("Cross-Origin-Resource-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
                ("Cache-Control", "no-cache"),
            ], body: .bytes(bytes))
    }
}

/// Reads the page's files from disk, for work on the page.
private enum FileInput {
    private static let maximumBytes = 1 << 20

    /// - Returns: nil if the file can't be read.
    static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return try? StoreFile.read(descriptor, upTo: maximumBytes)
    }
}
