import Foundation
import Testing

@testable import TrackerCGI

/// Environments recorded from real servers; bytes are written as Latin-1 characters.
struct RecordedEnvironment: CustomTestStringConvertible, Sendable {
    let server: String
    let base: String
    let name: String
    let request: String
    let variables: [(name: String, value: String)]

    var testDescription: String { "\(server) \(name)" }

    var cgiVariables: CGIVariables {
        var result = CGIVariables()
        for variable in variables {
            result.append(name: Self.latin1(variable.name), value: Self.latin1(variable.value))
        }
        return result
    }

    var cgiRequest: CGIRequest { CGIRequest(variables: cgiVariables) }

    static func latin1(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8(exactly: $0.value) ?? UInt8(ascii: "?") }
    }

    static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")

    /// All recorded requests that reached an app.
    static let all: [RecordedEnvironment] = {
        let folder = directory.appending(path: "cgi-environments")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.sorted { $0.path < $1.path }.flatMap { file -> [RecordedEnvironment] in
            guard let data = try? Data(contentsOf: file),
                let json = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
                let cases = json["cases"] as? [String: [String: Any]]
            else { return [] }
            return cases.sorted { $0.key < $1.key }.compactMap { name, entry in
                guard let environment = entry["env"] as? [String: String] else { return nil }
                let repeated = entry["repeated"] as? [String: [String]] ?? [:]
                let variables = environment.sorted { $0.key < $1.key }.filter { !$0.key.hasPrefix("__") }
                    .flatMap { name, value in (repeated[name] ?? [value]).map { (name: name, value: $0) } }
                return RecordedEnvironment(
                    server: file.deletingPathExtension().lastPathComponent, base: json["base"] as? String ?? "",
                    name: name, request: entry["request"] as? String ?? "", variables: variables)
            }
        }
    }()

    static func named(_ names: String...) -> [RecordedEnvironment] {
        all.filter {
            names.contains($0.name) && !$0.base.isEmpty || names.contains($0.name) && $0.server.hasPrefix("nginx")
        }
    }

    /// The target of the request line; empty if it has none.
    var sentTarget: String {
        String(request.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).dropFirst().first ?? "")
    }
}
