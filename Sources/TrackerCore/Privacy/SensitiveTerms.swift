/// Words that mark a name as the name of a secret.
///
/// A name is compared in lowercase and by whole parts, which end at anything but a letter or digit and where a capital
/// follows a small letter; and as a whole without its separators. So `api-key`, `API_KEY` and `apiKey` match `key`, but
/// `monkey` and `keyboard` do not.
struct SensitiveTerms {
    /// What the deny lists of the field's trackers agree on, and the spellings seen in the wild.
    static let words: Set<String> = [
        "auth", "auth0", "oauth", "oauth2", "authn", "authz", "authorization", "authorisation", "authentication",
        "authenticate", "token", "tokens", "secret", "secrets", "password", "passwords", "passwd", "passphrase",
        "passcode", "pwd", "pass", "pw", "key", "keys", "apikey", "apikeys", "accesskey", "secretkey", "privatekey",
        "publickey", "signingkey", "encryptionkey", "masterkey", "jwt", "jwe", "bearer", "sso", "saml", "samlresponse",
        "samlrequest", "csrf", "xsrf", "csrftoken", "xsrftoken", "csrfmiddlewaretoken", "authtoken", "accesstoken",
        "refreshtoken", "idtoken", "usertoken", "devicetoken", "credential", "credentials", "creds", "session",
        "sessions", "sessionid", "sessid", "sess", "phpsessid", "jsessionid", "aspsessionid", "sid", "ssid", "cookie",
        "cookies", "card", "cardnumber", "cardno", "creditcard", "credit", "ccnumber", "cvv", "cvv2", "cvc", "iban",
        "signature", "sig", "hmac", "otp", "totp", "mfa", "pin", "ssn", "principal", "hash", "nonce", "assertion",
        "impersonate", "connectsid", "mysqlpwd", "userpass", "userpwd", "dbpass", "loginpass", "authkey",
        "codeverifier", "clientsecret", "appsecret", "webhooksecret",
    ]

    static let standard = SensitiveTerms(adding: [])

    /// The words by hash. Two words that share a hash would only hide a value too many.
    private let hashes: Set<UInt64>
    /// One bit for each hash's low bits: most parts of most names are turned away here.
    private let sieve: [Bool]

    init(adding terms: Set<String>) {
        var hashes = Set<UInt64>()
        for word in Self.words.union(terms) {
            var hash = Self.seed
            for byte in word.lowercased().utf8 where Self.isAlphanumeric(byte) { hash = Self.next(hash, byte) }
            if hash != Self.seed { hashes.insert(hash) }
        }
        self.hashes = hashes
        var sieve = [Bool](repeating: false, count: 4096)
        for hash in hashes { sieve[Int(hash & 4095)] = true }
        self.sieve = sieve
    }

    private static let seed: UInt64 = 14_695_981_039_346_656_037

    @inline(__always)
    private static func next(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
        // FNV-1a, with the low bits stirred so that the sieve sees all of the word.
        let mixed = (hash ^ UInt64(byte)) &* 1_099_511_628_211
        return mixed ^ mixed >> 32
    }

    @inline(__always)
    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26
    }

    @inline(__always)
    private func isTerm(_ hash: UInt64) -> Bool {
        sieve[Int(hash & 4095)] && hashes.contains(hash)
    }

    func matches(_ name: some Sequence<UInt8>) -> Bool {
        var reader = Reader()
        for byte in name { reader.read(byte, self) }
        return reader.isSensitive(self)
    }

    /// Reads a name byte by byte.
    struct Reader {
        private var part = SensitiveTerms.seed
        private var word = SensitiveTerms.seed
        private var whole = SensitiveTerms.seed
        private var wasSmall = false
        private var hasMatched = false

        @inline(__always)
        mutating func read(_ byte: UInt8, _ terms: borrowing SensitiveTerms) {
            if (byte | 0x20) &- 0x61 < 26 {
                let isCapital = byte < 0x61
                if isCapital, wasSmall {
                    if terms.isTerm(part) { hasMatched = true }
                    part = SensitiveTerms.seed
                }
                wasSmall = !isCapital
                append(byte | 0x20)
            } else if byte &- 0x30 < 10 {
                wasSmall = true
                append(byte)
            } else {
                if terms.isTerm(part) || terms.isTerm(word) { hasMatched = true }
                part = SensitiveTerms.seed
                word = SensitiveTerms.seed
                wasSmall = false
            }
        }

        @inline(__always)
        private mutating func append(_ byte: UInt8) {
            part = SensitiveTerms.next(part, byte)
            word = SensitiveTerms.next(word, byte)
            whole = SensitiveTerms.next(whole, byte)
        }

        /// Whether the name that was read holds a term.
        func isSensitive(_ terms: borrowing SensitiveTerms) -> Bool {
            hasMatched || terms.isTerm(part) || terms.isTerm(word) || terms.isTerm(whole)
        }
    }
}
