/// Products of matrices for reference implementations.
enum MatrixProduct {
  /// The sums over k of a[i, k] b[k, j], row-major, for matrices that lie anywhere in `a` and `b`.
  static func sums<T>(
    _ a: [T], _ b: [T], m: Int, n: Int, k: Int, aPlace: (Int, Int) -> Int,
    bPlace: (Int, Int) -> Int, zero: T, multiplyAdd: (T, T, T) -> T
  ) -> [T] {
    var results: [T] = []
    results.reserveCapacity(m * n)
    for i in 0..<m {
      for j in 0..<n {
        var sum = zero
        for l in 0..<k { sum = multiplyAdd(sum, a[aPlace(i, l)], b[bPlace(l, j)]) }
        results.append(sum)
      }
    }
    return results
  }
}
