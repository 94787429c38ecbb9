/// Which measurements have ended, so that each counts once.
///
/// Tickets are numbers in the order in which measurements began. A ticket is remembered until as many others as there
/// are places have ended; the second end of one measurement comes long before that.
struct FinishedTickets {
    private static let places = 4_096
    private var tickets: [UInt64] = []

    /// - Returns: false if the ticket is known. 0 is no ticket.
    mutating func insert(_ ticket: UInt64) -> Bool {
        guard ticket != 0 else { return true }
        if tickets.isEmpty { tickets = [UInt64](repeating: 0, count: Self.places) }
        let place = Int(truncatingIfNeeded: ticket) & (Self.places - 1)
        guard tickets[place] != ticket else { return false }
        tickets[place] = ticket
        return true
    }
}
