extension Int {
  /// The quotient, rounded up.
  func dividedUp(by divisor: Int) -> Int { (self + divisor - 1) / divisor }
}
