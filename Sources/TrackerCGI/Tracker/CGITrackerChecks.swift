import CLibrary
import TrackerCore

/// The tracker's part of `--check`. Nothing is sent to the backend.
enum CGITrackerChecks {
    static func add(to app: CGIApp, _ configuration: TrackerConfiguration) {
        app.onCheck("settings") {
            .passed("project \(configuration.projectID), events go to \(configuration.backendEndpoint)")
        }
        app.onCheck("libcurl") { libcurl() }
        app.onCheck("backend") { backend(configuration.backendEndpoint, within: configuration.connectTimeout) }
        app.onCheck("spool") { spool(configuration.spoolDirectory) }
    }

    private static func libcurl() -> CGICheckResult {
        #if os(Linux)
            let names = ["libcurl.so.4", "libcurl-gnutls.so.4"]
        #else
            let names = ["libcurl.4.dylib", "/usr/lib/libcurl.4.dylib"]
        #endif
        for name in names {
            guard let handle = dlopen(name, RTLD_LAZY) else { continue }
            dlclose(handle)
            return .passed(name)
        }
        return .failed("\(names[0]) can't be loaded: install libcurl4 (Debian, Ubuntu) or libcurl (Fedora, Alpine)")
    }

    /// Connects without sending anything.
    private static func backend(_ endpoint: BackendEndpoint, within limit: Duration) -> CGICheckResult {
        let port = Self.port(endpoint)
        var failure: SystemError?
        var isConnected = false
        let isKnown = HostAddresses.forEach(of: endpoint.host, port: port) { info in
            do throws(SystemError) {
                try connect(info, milliseconds: limit.boundedMilliseconds)
                isConnected = true
            } catch {
                failure = error
            }
            return !isConnected
        }
        guard isKnown else { return .failed("\(endpoint.host) can't be resolved to an address") }
        if isConnected { return .passed("\(endpoint.host) accepts connections on port \(port)") }
        return .failed("\(endpoint.host), port \(port): \(failure.map { "\($0)" } ?? "it has no address")")
    }

    private static func connect(_ info: addrinfo, milliseconds: Int) throws(SystemError) {
        let number = socket(info.ai_family, info.ai_socktype, info.ai_protocol)
        guard number >= 0 else { throw SystemError(call: "socket") }
        let descriptor = Descriptor(number)
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
        #if canImport(Darwin)
            let code = Darwin.connect(number, info.ai_addr, info.ai_addrlen)
        #elseif canImport(Musl)
            let code = Musl.connect(number, info.ai_addr, info.ai_addrlen)
        #else
            let code = Glibc.connect(number, info.ai_addr, info.ai_addrlen)
        #endif
        if code == 0 { return }
        guard errno == EINPROGRESS else { throw SystemError(call: "connect") }
        guard descriptor.wait(toWrite: true, milliseconds: max(1, milliseconds)) else {
            throw SystemError(call: "connect", code: ETIMEDOUT)
        }
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        _ = getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &length)
        if error != 0 { throw SystemError(call: "connect", code: error) }
    }

    private static func port(_ endpoint: BackendEndpoint) -> String {
        let afterHost = endpoint.authority.split(separator: "]").last ?? ""
        if let colon = afterHost.lastIndex(of: ":"), colon != afterHost.index(before: afterHost.endIndex) {
            return String(afterHost[afterHost.index(after: colon)...])
        }
        return endpoint.scheme == "https" ? "443" : "80"
    }

    private static func spool(_ directory: String?) -> CGICheckResult {
        guard let directory else {
            return .passed("none: events that can't be delivered in time are lost (set RA_SPOOL_DIRECTORY)")
        }
        var status = stat()
        // The tracker creates a missing directory if it may.
        let place = stat(directory, &status) == 0 ? directory : parent(of: directory)
        guard access(place, W_OK | X_OK) == 0 else {
            return .failed(
                "\(SystemError(call: place)) for user \(geteuid()); chown it to the user that the app runs as")
        }
        return .passed("\(directory) is writable")
    }

    private static func parent(of path: String) -> String {
        let parts = path.split(separator: "/")
        let rest = parts.dropLast().joined(separator: "/")
        return path.hasPrefix("/") ? "/" + rest : (rest.isEmpty ? "." : rest)
    }
}
