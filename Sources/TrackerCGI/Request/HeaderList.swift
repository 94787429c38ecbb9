import TrackerCore

/// Rebuilds the request's headers from the variables (RFC 3875, section 4.1.18).
enum HeaderList {
    /// - Returns: names and values in the order of the variables; a repeated header appears once, where it came first.
    static func headers(of variables: CGIVariables) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        headers.reserveCapacity(variables.count)
        // The index of each name; built once there are too many headers for a linear search.
        var places: [String: Int] = [:]
        variables.forEachBytes { variable, bytes in
            guard let name = headerName(variable) else { return }
            let value = TextDecoding.string(ASCII.trimmed(bytes))
            // Servers send these empty if the request has none.
            if value.isEmpty, name == "Content-Type" || name == "Content-Length" { return }
            if headers.count == linearSearchLimit, places.isEmpty {
                for (index, header) in headers.enumerated() { places[header.name] = index }
            }
            let known = places.isEmpty ? headers.firstIndex { $0.name == name } : places[name]
            guard let known else {
                if !places.isEmpty { places[name] = headers.count }
                headers.append((name, value))
                return
            }
            switch name {
            case "Host", "Authorization", "Proxy-Authorization", "Content-Type", "Content-Length":
                headers[known].value = value
            case "Cookie": headers[known].value += "; " + value
            default: headers[known].value += ", " + value
            }
        }
        return headers
    }

    private static let linearSearchLimit = 32

    /// Returns the `Cookie` headers, joined.
    static func cookieBytes(of variables: CGIVariables) -> [UInt8] {
        var joined: [UInt8] = []
        variables.forEachBytes { name, value in
            guard CGIVariables.isEqual(name, "HTTP_COOKIE") else { return }
            if !joined.isEmpty { joined.append(contentsOf: "; ".utf8) }
            joined.append(contentsOf: value)
        }
        return joined
    }

    /// Converts `HTTP_USER_AGENT` to `User-Agent`; nil for a variable that is not a header.
    private static func headerName(_ variable: UnsafeBufferPointer<UInt8>) -> String? {
        // Most variables are not headers.
        switch variable.first {
        case UInt8(ascii: "C"):
            if CGIVariables.isEqual(variable, "CONTENT_TYPE") { return "Content-Type" }
            return CGIVariables.isEqual(variable, "CONTENT_LENGTH") ? "Content-Length" : nil
        case UInt8(ascii: "H"):
            guard variable.count > 5, CGIVariables.isEqual(UnsafeBufferPointer(rebasing: variable[..<5]), "HTTP_")
            else { return nil }
        default: return nil
        }
        let rest = UnsafeBufferPointer(rebasing: variable[5...])
        let text =
            ASCII.isWhole(rest)
            ? String(unsafeUninitializedCapacity: rest.count) { writeName(rest, to: $0) }
            : TextDecoding.string(
                [UInt8](unsafeUninitializedCapacity: rest.count) { name, count in count = writeName(rest, to: name) })
        // Some servers also send these as headers; only CONTENT_TYPE and CONTENT_LENGTH count.
        switch rest.count {
        case 12: return text == "Content-Type" ? nil : text
        case 14: return text == "Content-Length" ? nil : text
        default: return text
        }
    }

    /// Converts `USER_AGENT` to `User-Agent`.
    ///
    /// - Parameter name: has room for as many bytes as the variable.
    private static func writeName(
        _ variable: UnsafeBufferPointer<UInt8>, to name: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        var isWordStart = true
        for index in variable.indices {
            let byte = variable[index]
            let isSeparator = byte == UInt8(ascii: "_")
            let letter = isSeparator ? UInt8(ascii: "-") : isWordStart ? byte : ASCII.lowercase(byte)
            name.initializeElement(at: index, to: letter)
            isWordStart = isSeparator
        }
        return variable.count
    }
}
