import Foundation
import Synchronization
import Testing

@testable import TrackerCGI

@Suite("The memory of all requests together")
struct BodyBudgetTests {
    @Test("is never exceeded, however many threads take of it at once")
    func concurrency() {
        let budget = BodyBudget(limit: 1000)
        let granted = Mutex<[BodyReservation]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<5000 {
                let reservation = BodyReservation(budget)
                if reservation.take(1) { granted.withLock { $0.append(reservation) } }
            }
        }
        #expect(granted.withLock { $0.count } == 1000)
        #expect(budget.used == 1000)
        granted.withLock { $0 = [] }
        #expect(budget.used == 0)
    }

    @Test("refuses an event larger than the whole queue, and evicts nothing for it")
    func tooMuch() {
        let budget = BodyBudget(limit: 10)
        let reservation = BodyReservation(budget)
        #expect(!reservation.take(11))
        #expect(!reservation.take(.max))
        #expect(reservation.take(10))
        #expect(!reservation.take(1))
        #expect(budget.used == 10)
    }
}
