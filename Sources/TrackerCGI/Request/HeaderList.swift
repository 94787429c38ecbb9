import TrackerCore

/// Rebuilds the request's headers from the variables (RFC 3875, section 4.1.18).
enum HeaderList {
    /// - Returns: names and values in the order of the variables; a repeated header stands once, at its first place.
    static func headers(of variables: CGIVariables) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        headers.reserveCapacity(variables.count)
        variables.forEachBytes { variable, bytes in
            guard let name = headerName(variable) else { return }
            let value = TextDecoding.string(trimmed(bytes))
            // Servers send these empty where the request has none.
            if value.isEmpty, name == "Content-Type" || name == "Content-Length" { return }
            guard let known = headers.firstIndex(where: { $0.name == name }) else {
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

    /// The `Cookie` headers, joined.
    static func cookieBytes(of variables: CGIVariables) -> [UInt8] {
        var joined: [UInt8] = []
        for index in variables.indices where variables.nameBytes(at: index).elementsEqual("HTTP_COOKIE".utf8) {
            if !joined.isEmpty { joined.append(contentsOf: "; ".utf8) }
            joined.append(contentsOf: variables.valueBytes(at: index))
        }
        return joined
    }

    /// Without the white space around it, which is no part of a value (RFC 9110, section 5.5). nginx leaves tabs there.
    private static func trimmed(_ value: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var start = 0
        var end = value.count
        while start < end, value[start] == 0x20 || value[start] == 0x09 { start += 1 }
        while end > start, value[end - 1] == 0x20 || value[end - 1] == 0x09 { end -= 1 }
        return UnsafeBufferPointer(rebasing: value[start..<end])
    }

    /// `HTTP_USER_AGENT` is `User-Agent`; nil for what is no header.
    private static func headerName(_ variable: UnsafeBufferPointer<UInt8>) -> String? {
        if CGIVariables.isEqual(variable, "CONTENT_TYPE") { return "Content-Type" }
        if CGIVariables.isEqual(variable, "CONTENT_LENGTH") { return "Content-Length" }
        guard variable.count > 5,
            CGIVariables.isEqual(UnsafeBufferPointer(rebasing: variable[..<5]), "HTTP_")
        else { return nil }
        var isWordStart = true
        var name: [UInt8] = []
        name.reserveCapacity(variable.count - 5)
        for byte in variable[5...] {
            if byte == UInt8(ascii: "_") {
                name.append(UInt8(ascii: "-"))
                isWordStart = true
            } else {
                name.append(isWordStart ? byte : ASCII.lowercase(byte))
                isWordStart = false
            }
        }
        let text = name.withUnsafeBufferPointer { TextDecoding.string($0) }
        // Some servers send these a second time as headers; CONTENT_TYPE and CONTENT_LENGTH are the ones that count.
        return text == "Content-Type" || text == "Content-Length" ? nil : text
    }
}
