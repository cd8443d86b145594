/// Arithmetic of sizes and amounts of work that are only compared: what does not fit is `Int.max`.
extension Int {
  /// The sum of two numbers that are not negative.
  package func clampedSum(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }

  /// The value where `Int` has 64 bits, and a smaller one where it has 32.
  package static func limit(_ wide: Int64, narrow: Int) -> Int { Int(exactly: wide) ?? narrow }
}

extension Array where Element == Int {
  /// The product of numbers that are not negative.
  package var clampedProduct: Int { checkedElementCount ?? .max }
}
