import Foundation
import TestSupport
import TrackerCore

/// The demo behind a real web server that uses a file of `Examples`, in which only the placeholders listed in
/// `Examples/deploy.md` are replaced.
final class ServedDemo {
    let setup: WebServerSetup
    let directory: URL
    private let ports: [ReservedPort]
    /// The site's port.
    var port: UInt16 { ports[0].number }
    /// The port whose requests count as https.
    var securePort: UInt16 { ports[1].number }
    private var appPort: UInt16 { ports[2].number }
    private let endpoint: String
    private let isTracked: Bool
    private var programs: [(name: String, program: RunningProgram)] = []

    /// - Parameters:
    ///   - endpoint: the backend's URL.
    ///   - settings: `RA_...` variables of a demo that the web server does not start itself.
    ///   - isTracked: false omits the project's ID and token, and so the tracker.
    init(
        _ setup: WebServerSetup, endpoint: String, settings: [String: String] = [:], isTracked: Bool = true
    ) async throws {
        self.setup = setup
        self.endpoint = endpoint
        self.isTracked = isTracked
        directory = URL(fileURLWithPath: "/tmp/ra-web-\(UUID().uuidString.prefix(8))")
        ports = try (0..<3).map { _ in try ReservedPort() }
        for (name, mode) in [("srv", 0o755), ("run", 0o777), ("tmp", 0o777)] {
            // Workers that run as another user create files in the last two.
            let path = directory.appending(path: name).path
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }
        // Copied by a separate process: a child started while this one has the program open for writing would inherit
        // that descriptor, and then the program can't be executed.
        let copying = try RunningProgram(
            "/bin/cp", [RunningProgram.path(of: "DemoCGIApp"), directory.path + "/srv/DemoCGIApp"])
        guard try await copying.end() == 0 else { throw NeverHappened(description: copying.errors) }
        let environment = [
            "RA_PROJECT_ID": "proj-1", "RA_PROJECT_TOKEN": "tok-1", "RA_BACKEND_ENDPOINT": endpoint,
        ].merging(settings) { $1 }
        // Without a project, nothing is tracked.
        let settings = isTracked ? try example("systemd/demo.env") : ""
        try settings.write(to: directory.appending(path: "demo.env"), atomically: true, encoding: .utf8)
        try startApp(environment)
        try startServer()
        let port = port
        do {
            try await eventually("\(setup.rawValue) to answer") {
                if let ended = programs.first(where: { $0.program.status != nil }) {
                    throw NeverHappened(description: "\(ended.name) ended: \(log)")
                }
                return (try? RawClient(port: port)) != nil && isAppThere
            }
        } catch {
            throw NeverHappened(description: "\(error); \(log)")
        }
    }

    /// A failed test did not stop the servers. Killing them would orphan their workers, so they get SIGTERM and time to
    /// end.
    deinit {
        for entry in programs.reversed() where entry.program.status == nil { entry.program.signal(SIGTERM) }
        let limit = ContinuousClock.now + .seconds(5)
        while programs.contains(where: { $0.program.status == nil }), ContinuousClock.now < limit { usleep(5000) }
        try? FileManager.default.removeItem(at: directory)
    }

    /// The output of the processes, for the message of a failed test.
    var log: String {
        let files = ["error.log", "access.log"].map { name in
            (try? String(contentsOf: directory.appending(path: name), encoding: .utf8)) ?? ""
        }
        return (programs.map(\.program.errors) + files).joined(separator: "\n")
    }

    /// The process with a name, if it is running.
    func program(_ name: String) -> RunningProgram? { programs.first { $0.name == name }?.program }

    /// Sends one request on its own connection, and returns the raw response.
    func ask(_ request: String, port: UInt16? = nil) throws -> String {
        let client = try RawClient(port: port ?? self.port)
        client.send(request)
        return client.receiveAll()
    }

    func stop() async throws {
        for entry in programs.reversed() { try await entry.program.stop() }
    }

    /// The spool of the CGI program.
    var spool: String { directory.path + "/tmp/spool" }

    /// The number of events in the spool.
    var spooledEvents: Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: spool)) ?? []
        return names.reduce(0) { sum, name in
            let bytes = (try? Data(contentsOf: URL(fileURLWithPath: "\(spool)/\(name)"))) ?? Data()
            return sum + String(decoding: bytes, as: UTF8.self).components(separatedBy: "event_type").count - 1
        }
    }

    // MARK: The app

    private func startApp(_ environment: [String: String]) throws {
        let socket = directory.path + "/run/demo.sock"
        switch setup.start {
        case .tcp: try start("DemoCGIApp", "DemoCGIApp", ["--fastcgi", "127.0.0.1:\(appPort)"], environment)
        case .unix:
            try start("DemoCGIApp", "DemoCGIApp", ["--fastcgi", "unix:\(socket)"], environment)
        case .spawnFCGI:
            // As in demo.socket, open to the user of Apache's workers.
            try start(
                "DemoCGIApp", "/bin/sh",
                ["-c", "exec spawn-fcgi -n -s \"$0\" -M 0666 -- \"$1\"", socket, directory.path + "/srv/DemoCGIApp"],
                environment)
        case .script:
            let script = directory.appending(path: "start")
            try example("spawn-fcgi/start").write(to: script, atomically: true, encoding: .utf8)
            try start("DemoCGIApp", "/bin/sh", [script.path], environment)
        case .systemd: try startAsSystemdDoes(environment)
        case .fcgiwrap:
            // One process: the first of several would not end the others.
            try start(
                "fcgiwrap", try path(of: "fcgiwrap"), ["-c", "1", "-s", "unix:\(directory.path)/run/fcgiwrap.sock"])
        case .webServer: break
        }
    }

    /// Does what the two units request from systemd: passes a listening socket as descriptor 3.
    private func startAsSystemdDoes(_ environment: [String: String]) throws {
        let socketUnit = try example("systemd/demo.socket")
        let service = try example("systemd/demo.service")
        func value(_ key: String, _ unit: String) throws -> String {
            guard let line = unit.split(separator: "\n").first(where: { $0.hasPrefix(key + "=") }) else {
                throw NeverHappened(description: "no \(key) in \(unit)")
            }
            return String(line.dropFirst(key.count + 1))
        }
        let listener = try UnixListener(path: value("ListenStream", socketUnit), mode: value("SocketMode", socketUnit))
        programs.append(
            (
                "DemoCGIApp",
                try RunningProgram(
                    "/bin/sh",
                    [
                        "-c", "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\"",
                        value("ExecStart", service),
                    ], environment: environment, input: listener.handle)
            ))
    }

    /// Whether the web server's upstream is listening.
    private var isAppThere: Bool {
        switch setup.start {
        case .tcp: (try? RawClient(port: appPort)) != nil
        case .unix, .spawnFCGI, .script, .systemd:
            FileManager.default.fileExists(atPath: directory.path + "/run/demo.sock")
        case .fcgiwrap: FileManager.default.fileExists(atPath: directory.path + "/run/fcgiwrap.sock")
        case .webServer: true
        }
    }

    // MARK: The web server

    private func startServer() throws {
        let site = directory.appending(path: "site.conf")
        try example(setup.file).write(to: site, atomically: true, encoding: .utf8)
        let main = directory.appending(path: "main.conf")
        let arguments: [String]
        switch setup.server {
        case .nginx:
            for file in ["app_params.conf", "app_maps.conf"] {
                try example("nginx/\(file)").write(
                    to: directory.appending(path: file), atomically: true, encoding: .utf8)
            }
            try nginxMain.write(to: main, atomically: true, encoding: .utf8)
            arguments = ["-p", directory.path, "-c", main.path, "-e", directory.path + "/error.log"]
        case .lighttpd:
            try lighttpdMain.write(to: main, atomically: true, encoding: .utf8)
            arguments = ["-D", "-f", main.path]
        case .apache2:
            try apacheMain.write(to: main, atomically: true, encoding: .utf8)
            arguments = ["-d", directory.path, "-f", main.path, "-DFOREGROUND"]
        }
        try start(setup.server.rawValue, try path(of: setup.server.rawValue), arguments)
    }

    private var isRoot: Bool { geteuid() == 0 }

    /// A distribution's nginx.conf, with every file in our directory.
    private var nginxMain: String {
        """
        daemon off; worker_processes 1; pid pid;
        \(isRoot ? "user root;" : "")
        events { worker_connections 1024; }
        http {
            access_log off; client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; fastcgi_temp_path tmp/fcgi;
            uwsgi_temp_path tmp/uwsgi; scgi_temp_path tmp/scgi;
            include app_maps.conf;
            \(setup.isLocation ? "server { listen \(port); listen 127.0.0.1:\(securePort); server_name localhost;" : "")
            include site.conf;
            \(setup.isLocation ? "}" : "")
        }
        """
    }

    private var lighttpdMain: String {
        """
        server.document-root = "\(directory.path)/srv"
        server.errorlog = "\(directory.path)/error.log"
        server.upload-dirs = ( "\(directory.path)/tmp" )
        server.port = \(port)
        include "\(directory.path)/site.conf"
        """
    }

    private var apacheMain: String {
        let modules = setup.apacheModules.map { "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so" }
        return """
            \(modules.joined(separator: "\n"))
            PidFile \(directory.path)/pid
            ErrorLog \(directory.path)/error.log
            Mutex file:\(directory.path)/tmp default
            DefaultRuntimeDir \(directory.path)/tmp
            \(isRoot ? "User www-data\nGroup www-data" : "")
            StartServers 2
            Listen \(port)
            ServerName localhost
            <IfModule mod_cgid.c>
                ScriptSock \(directory.path)/tmp/cgid.sock
            </IfModule>
            <IfModule mod_fcgid.c>
                FcgidIPCDir \(directory.path)/tmp/fcgid
                FcgidProcessTableFile \(directory.path)/tmp/fcgid.shm
            </IfModule>
            \(setup.isLocation ? locationHost : "")
            Include \(directory.path)/site.conf
            """
    }

    /// An existing Apache site.
    private var locationHost: String {
        """
        Listen 127.0.0.1:\(securePort)
        AllowEncodedSlashes NoDecode
        MergeSlashes Off
        <VirtualHost *:\(securePort)>
            AllowEncodedSlashes NoDecode
            MergeSlashes Off
            SetEnv HTTPS on
            SetEnv REQUEST_SCHEME https
        </VirtualHost>
        """
    }

    /// Returns a file of `Examples` with only its placeholders replaced.
    private func example(_ name: String) throws -> String {
        let folder = Fixtures.directory.deletingLastPathComponent().deletingLastPathComponent()
        var text = try String(contentsOf: folder.appending(path: "Examples/\(name)"), encoding: .utf8)
        for change in name == setup.file ? setup.changes : [] {
            guard text.contains(change.from) else { throw NeverHappened(description: "\(name) has no \(change.from)") }
            text = text.replacingOccurrences(of: change.from, with: change.to)
        }
        let placeholders = [
            // First, since a port put in by another may contain its digits.
            ("8443", String(securePort)),
            ("listen 80;", "listen \(port);"), ("listen [::]:80;", "listen [::]:\(port);"), ("*:80>", "*:\(port)>"),
            ("$HTTP[\"host\"] == \"demo.example.com\"", "$HTTP[\"url\"] =~ \"\""), ("demo.example.com", "localhost"),
            ("127.0.0.1:9000", "127.0.0.1:\(appPort)"),
            ("/srv/demo", directory.path + "/srv"), ("/run/demo", directory.path + "/run"),
            ("/run/fcgiwrap.socket", directory.path + "/run/fcgiwrap.sock"), ("/var/lib/demo/spool", spool),
            ("/etc/demo.env", directory.path + "/demo.env"),
            ("your-project-id", "proj-1"), ("your-project-token", "tok-1"),
            ("https://rigidanalytics.com", endpoint),
        ]
        for (placeholder, value) in placeholders { text = text.replacingOccurrences(of: placeholder, with: value) }
        return text
    }

    private func start(
        _ name: String, _ program: String, _ arguments: [String], _ environment: [String: String] = [:]
    ) throws {
        programs.append((name, try RunningProgram(program, arguments, environment: environment)))
    }

    private func path(of tool: String) throws -> String {
        guard let path = Tool.find(tool) else { throw NeverHappened(description: "\(tool) is not installed") }
        return path
    }
}

/// A listening Unix socket, as a process manager opens it.
final class UnixListener {
    let handle: FileHandle

    init(path: String, mode: String) throws {
        #if canImport(Glibc)
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0, chmod(path, mode_t(mode, radix: 8) ?? 0o660) == 0, listen(descriptor, 128) == 0 else {
            throw SystemError(call: "listen(\(path))")
        }
    }
}
