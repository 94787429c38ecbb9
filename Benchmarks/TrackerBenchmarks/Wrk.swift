import Foundation

/// Requests per second that `wrk` measures on a server.
struct Wrk {
    private let program: String
    private let connections: Int

    /// - Returns: nil if it is not installed.
    init?(connections: Int) {
        guard let program = BenchmarkTools.find("wrk") else { return nil }
        self.program = program
        self.connections = connections
    }

    /// - Parameters:
    ///   - seconds: the duration.
    ///   - body: the size of a body to POST; nil: GETs.
    ///   - cookie: the value of `Cookie`, if any.
    func rate(_ url: String, seconds: Int = 2, body: Int? = nil, cookie: String? = nil) throws -> Double {
        var arguments = ["-t1", "-c\(connections)", "-d\(seconds)", url]
        if let cookie { arguments = ["-H", "Cookie: \(cookie)"] + arguments }
        var directory: URL?
        defer { if let directory { try? FileManager.default.removeItem(at: directory) } }
        if let body {
            directory = try BenchmarkTools.temporaryDirectory()
            let script = directory?.appending(path: "post.lua")
            let text = """
                wrk.method = "POST"
                wrk.headers["Content-Type"] = "application/json"
                wrk.headers["Idempotency-Key"] = "00000000-0000-7000-8000-000000000000"
                wrk.body = string.rep("x", \(body))
                """
            if let script {
                try text.write(to: script, atomically: true, encoding: .utf8)
                arguments = ["-s", script.path] + arguments
            }
        }
        let text = try BenchmarkTools.run(program, arguments).output
        guard !text.contains("Non-2xx"), !text.contains("Socket errors"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Requests/sec:") }),
            let rate = Double(line.dropFirst(13).trimmingCharacters(in: .whitespaces))
        else { throw BenchmarkFailure("wrk said: \(text)") }
        return rate
    }
}
