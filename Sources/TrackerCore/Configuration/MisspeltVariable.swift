/// A variable that has the prefix of the settings and is none of them.
struct MisspeltVariable: Sendable, Equatable {
    /// Its name, cut off where it is too long to be a setting's.
    var name: String
    /// The setting that is spelt most like it; nil if none is.
    var nearest: String?

    /// One sentence that says what to do.
    var warning: String {
        guard let nearest else { return "\(name) is set, but is no setting of the tracker: it is ignored" }
        return "\(name) is set, but is no setting of the tracker: did you mean \(nearest)?"
    }

    private enum Limit {
        static let variables = 16
        static let bytes = 64
    }

    /// - Parameters:
    ///   - names: all variables that are set, in any order.
    ///   - known: the settings.
    /// - Returns: by name; at most 16.
    static func find(in names: some Sequence<String>, known: [String]) -> [MisspeltVariable] {
        names.filter { $0.hasPrefix("RA_") && !known.contains($0) }.sorted().prefix(Limit.variables).map { name in
            let name = String(decoding: name.utf8.prefix(Limit.bytes), as: UTF8.self)
            // A third of the letters may be wrong, the prefix apart: more is another word.
            let most = max(1, (name.utf8.count - 3) / 3)
            let nearest = known.map { (name: $0, steps: distance(Array(name.utf8), Array($0.utf8))) }
                .filter { $0.steps <= most }.min { $0.steps < $1.steps }?.name
            // Or it is the beginning of one, such as RA_SPOOL_DIR.
            return MisspeltVariable(
                name: name, nearest: nearest ?? known.first { name.utf8.count > 5 && $0.hasPrefix(name) })
        }
    }

    /// How many letters have to be changed, put in, taken out or swapped with their neighbour (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var steps = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    steps = min(steps, beforeLast[column - 1] + 1)
                }
                current.append(steps)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
