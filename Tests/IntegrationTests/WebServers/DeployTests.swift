import Foundation
import TestSupport
import Testing

/// The prerequisites of the tests of `deploy.md`.
enum DeployNeeds {
    static var areMet: Bool { WebServerSetup.areWanted && geteuid() == 0 && Mounting.isAllowed && hasDefaults }
    static let reason = """
        needs root, mount and network namespaces, Debian's configurations of nginx, lighttpd and apache2, \
        systemd-socket-activate and adduser
        """

    private static var hasDefaults: Bool {
        let files = [
            "/etc/nginx/sites-enabled/default", "/etc/lighttpd/lighttpd.conf",
            "/etc/apache2/sites-enabled/000-default.conf",
        ]
        return files.allSatisfy(FileManager.default.fileExists)
            && ["systemd-socket-activate", "systemd-analyze", "adduser", "setpriv", "ip", "curl"].allSatisfy {
                Tool.find($0) != nil
            }
    }
}

/// The commands of `Examples/deploy.md`, as a reader pastes them, against the distribution's own configuration.
@Suite("deploy.md, pasted", .serialized, .enabled(if: DeployNeeds.areMet, "\(DeployNeeds.reason)"))
struct DeployTests {
    struct Way: CustomTestStringConvertible, Sendable {
        var blocks: [String]
        var user: String?
        var url = "http://demo.example.com/"
        /// Whether the app runs as the web server's user, who can read the settings.
        var isChecked: Bool { !blocks.contains("systemd") }
        var testDescription: String { blocks.last ?? "" }
    }

    static let ways: [Way] = [
        Way(blocks: ["systemd", "nginx"], user: "demo"),
        Way(blocks: ["systemd", "nginx", "nginx-location"], user: "demo"),
        Way(blocks: ["fcgiwrap"]),
        Way(blocks: ["systemd", "apache-proxy"], user: "demo"),
        Way(
            blocks: ["systemd", "apache-location"], user: "demo", url: "http://localhost/demo/"),
        Way(blocks: ["apache-fcgid"], user: "www-data"),
        Way(blocks: ["apache-cgid"]),
        Way(blocks: ["lighttpd"], user: "www-data"),
        Way(blocks: ["lighttpd-cgi"]),
        Way(blocks: ["htaccess"], url: "http://localhost/sub/"),
    ]

    @Test("gives the first page and its event, beside what was there before", arguments: ways)
    func pasted(way: Way) async throws {
        let folder = try Self.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let arguments = [
            "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", folder.appending(path: "run").path,
            folder.path, "program",
        ]
        let run = try RunningProgram(
            try #require(Tool.find("unshare")), arguments + way.blocks + (way.isChecked ? ["check"] : []),
            environment: [
                "EVENT_HANDLER": RunningProgram.path(of: "EventHandler"),
                "DEMO_PROGRAM": RunningProgram.path(of: "DemoCGIApp"),
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ], directory: folder)
        let status = try await run.end(within: .seconds(120))
        func text(_ name: String) -> String {
            (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
        }
        #expect(status == 0, "\(run.errors)\n\(text("output"))")
        if way.isChecked {
            for part in ["settings", "libcurl", "backend", "spool"] {
                #expect(text("output").contains("ok      \(part)"), "\(text("output"))")
            }
        }
        #expect(text("output").contains("<h1>"), "\(text("output"))")
        let events = text("events").split(separator: "\n").compactMap { PrintedEvent(String($0)) }
        #expect(events.contains { $0.url == way.url && $0.status == 200 && $0.viewName == "home" }, "\(text("events"))")
        #expect(events.allSatisfy { $0.json["project_token"] as? String == "t1" })
        let facts = text("facts")
        #expect(facts.contains("env 640 root:www-data"))
        #expect(facts.contains("neighbor\n"), "\(facts)")
        if let user = way.user { #expect(facts.contains("runs as \(user)\n"), "\(facts)") }
    }

    /// Creates a folder with what a reader has, the package's folder, and this test's tools.
    private static func makeFolder() throws -> URL {
        let folder = URL(fileURLWithPath: "/tmp/ra-deploy-\(UUID().uuidString.prefix(8))")
        let package = Fixtures.directory.deletingLastPathComponent().deletingLastPathComponent()
        let manager = FileManager.default
        try manager.createDirectory(at: folder.appending(path: "blocks"), withIntermediateDirectories: true)
        try manager.copyItem(at: package.appending(path: "Examples"), to: folder.appending(path: "Examples"))
        let lent = Fixtures.directory.appending(path: "deploy")
        for name in ["run", "bin"] {
            try manager.copyItem(at: lent.appending(path: name), to: folder.appending(path: name))
        }
        // The upload has no commands; afterwards the folder equals that of Examples.
        try manager.copyItem(
            at: lent.appending(path: "htaccess.sh"), to: folder.appending(path: "blocks/htaccess.sh"))
        let document = try String(contentsOf: folder.appending(path: "Examples/deploy.md"), encoding: .utf8)
        for part in document.components(separatedBy: "<!-- test: ").dropFirst() {
            let lines = part.components(separatedBy: "\n")
            guard lines.count > 2, lines[1] == "```sh", let end = lines.firstIndex(of: "```") else {
                throw NeverHappened(description: "no commands after <!-- test: \(lines[0])")
            }
            let name = lines[0].replacingOccurrences(of: " -->", with: "")
            try lines[2..<end].joined(separator: "\n").appending("\n").write(
                to: folder.appending(path: "blocks/\(name).sh"), atomically: true, encoding: .utf8)
        }
        return folder
    }
}
