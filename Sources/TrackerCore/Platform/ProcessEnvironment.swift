import CLibrary

/// The variables of this process.
package enum ProcessEnvironment {
    /// - Parameter prefix: what the names begin with.
    /// - Returns: variables that are set and not empty.
    package static func variables(prefix: String) -> [String: String] {
        var variables: [String: String] = [:]
        var variable = environ
        while let entry = variable.pointee {
            let text = String(cString: entry)
            if text.hasPrefix(prefix), let equals = text.firstIndex(of: "=") {
                let value = String(text[text.index(after: equals)...])
                if !value.isEmpty { variables[String(text[..<equals])] = value }
            }
            variable += 1
        }
        return variables
    }
}
