import Foundation
import TrackerCore

/// All results of a run as JSON, for programs that compare runs.
struct BenchmarkReport: Encodable {
    struct Row: Encodable {
        let name: String
        /// By column: the number at the start of a cell, without its unit.
        let numbers: [String: Double]
        /// By column: the cells as printed, with their units.
        let cells: [String: String]
    }

    struct Area: Encodable {
        let area: String
        let title: String
        let rows: [Row]
    }

    let version = TrackerVersion.current
    let date = ISO8601DateFormatter().string(from: Date())
    let system = ProcessInfo.processInfo.operatingSystemVersionString
    let processor = Self.processor
    let processors = ProcessInfo.processInfo.activeProcessorCount
    private(set) var results: [Area] = []

    mutating func add(_ table: Table, area: String) {
        let rows = table.rows.map { cells in
            let pairs = zip(table.columns, cells).dropFirst().filter { !$0.1.isEmpty }
            let numbers = pairs.compactMap { column, cell -> (String, Double)? in
                let number = cell.prefix { $0.isNumber || $0 == "." || $0 == "-" }
                return Double(number).map { (column, $0) }
            }
            return Row(
                name: cells.first ?? "", numbers: Dictionary(numbers) { first, _ in first },
                cells: Dictionary(pairs.map { ($0.0, $0.1) }) { first, _ in first })
        }
        results.append(Area(area: area, title: table.title, rows: rows))
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(fileURLWithPath: path))
    }

    private static var processor: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    }
}
