import TrackerCore

/// The fields of an `application/x-www-form-urlencoded` body.
package struct FormFields {
    private var fields: [(name: String, values: [String])] = []
    /// The index of each name in `fields`, so that a body of many distinct names does not take quadratic time.
    private var indexes: [String: Int] = [:]

    package static func urlEncoded(_ body: [UInt8]) -> FormFields {
        var form = FormFields()
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            form.add(decode(pair[..<equals]), decode(pair[equals...].dropFirst()))
        }
        return form
    }

    private static func decode(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: PercentEncoding.decode(bytes, plusIsSpace: true), as: UTF8.self)
    }

    mutating func add(_ name: String, _ value: String) {
        if let index = indexes[name] {
            fields[index].values.append(value)
        } else {
            indexes[name] = fields.count
            fields.append((name, [value]))
        }
    }

    package var json: String {
        let members = fields.map { field in
            "\(JSONText.quoted(field.name)): [\(field.values.map(JSONText.quoted).joined(separator: ", "))]"
        }
        return "{\(members.joined(separator: ", "))}"
    }
}

/// JSON strings for the demos' small responses.
package enum JSONText {
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
