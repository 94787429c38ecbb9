import Foundation
import TestSupport

/// The demo as a web server runs it for each request, with its own temporary folder, which isolates its runs from
/// others.
final class CGIProgram {
    let folder: TemporaryFolder
    private let environment: [String: String]
    private var runs: Set<Int32> = []

    init(endpoint: String, settings: [String: String] = [:]) throws {
        folder = try TemporaryFolder("cgi-program")
        environment = [
            "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "QUERY_STRING": "",
            "SERVER_NAME": "example.com", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "example.com", "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "tok-s3cr3t",
            "RA_BACKEND_ENDPOINT": endpoint, "TMPDIR": folder.path,
        ].merging(settings) { $1 }
    }

    func start(_ path: String = "/hello/x/", _ settings: [String: String] = [:]) throws -> RunningProgram {
        let request = ["REQUEST_URI": path, "PATH_INFO": path].merging(settings) { $1 }
        let run = try RunningProgram("DemoCGIApp", environment: environment.merging(request) { $1 })
        runs.insert(run.identifier)
        return run
    }

    /// Runs one request, and returns what the web server would log as its errors.
    func run(_ path: String = "/hello/x/", _ settings: [String: String] = [:]) async throws -> String {
        let run = try start(path, settings)
        guard try await run.end() == 0, run.output.hasPrefix("Status: 200") else {
            throw NeverHappened(description: "\(run.output) \(run.errors)")
        }
        return run.errors
    }

    /// The processes that outlive the program to deliver its events (Linux).
    var children: [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            guard let identifier = Int32(name), !runs.contains(identifier),
                let bytes = FileManager.default.contents(atPath: "/proc/\(name)/environ")
            else { return nil }
            return String(decoding: bytes, as: UTF8.self).contains("TMPDIR=\(folder.path)\0") ? identifier : nil
        }
    }

    /// The number of lost events that are not reported yet.
    var lost: Int { record.count > 1 ? Int(record[1]) ?? 0 : 0 }

    /// The number of events left in the spool that are not reported yet.
    var leftInSpool: Int { record.count > 2 ? Int(record[2]) ?? 0 : 0 }

    /// Why delivery of the last of them failed.
    var reason: String { record.count > 6 ? record[6] : "" }

    /// The program's record of undelivered events: version, two counts, two times, remedy, reason.
    private var record: [String] {
        for directory in folder.names(in: "") where directory.hasPrefix("rigidanalytics-") {
            for name in folder.names(in: directory) {
                let bytes = FileManager.default.contents(atPath: "\(folder.path)/\(directory)/\(name)") ?? Data()
                return String(decoding: bytes.dropFirst(128), as: UTF8.self)
                    .split(separator: " ", maxSplits: 6).map(String.init)
            }
        }
        return []
    }

    /// The number of events in a spool directory.
    func spooled(in directory: String) -> Int {
        folder.names(in: directory).reduce(0) { sum, name in
            let bytes = FileManager.default.contents(atPath: "\(folder.path)/\(directory)/\(name)") ?? Data()
            return sum + String(decoding: bytes, as: UTF8.self).components(separatedBy: "event_type").count - 1
        }
    }

    /// The sum of the counts in the log lines about lost events.
    static func lost(in log: String) -> Int {
        log.split(separator: "\n").reduce(0) { sum, line in
            guard let end = line.range(of: " lost since ") else { return sum }
            return sum + (line[..<end.lowerBound].split(separator: " ").compactMap { Int($0) }.last ?? 0)
        }
    }
}
