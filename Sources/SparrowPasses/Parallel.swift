import Dispatch
import Foundation

/// Runs independent pieces of work on all cores.
package enum Parallel {
  /// The number of pieces worth cutting one large piece of work into.
  package static let workers = max(1, ProcessInfo.processInfo.activeProcessorCount)

  /// `body` of 0 ..< count, in order; which core computes which does not change the results.
  package static func map<T: Sendable>(_ count: Int, _ body: @Sendable (Int) -> T) -> [T] {
    guard count > 1, workers > 1 else { return (0..<count).map(body) }
    return [T](unsafeUninitializedCapacity: count) { buffer, initialized in
      let slots = Slots(base: buffer.baseAddress)
      DispatchQueue.concurrentPerform(iterations: count) { i in
        slots.base?.advanced(by: i).initialize(to: body(i))
      }
      initialized = count
    }
  }

  /// Each index writes its own slot only.
  private struct Slots<T>: @unchecked Sendable {
    let base: UnsafeMutablePointer<T>?
  }
}
