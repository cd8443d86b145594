import SparrowCore
import SparrowPasses
import Testing

@Suite struct GlobalPoolRecognitionTests {
  @Test(arguments: [[Int64(2), 3], [3, 2], [-1, -2]]) func mean(axes: [Int64]) throws {
    for (keeps, kind) in [(true, Reduce.Kind.mean), (false, .mean), (true, .max)] {
      var b = Builder("g")
      let x = b.input("x", [.symbol("n"), .known(3), .known(5), .known(7)])
      let list = b.integers(axes)
      let y = try b.op(.reduce(Reduce(kind, keepsDimensions: keeps)), x, list, name: "y")
      let pool = kind == .mean ? "GlobalAveragePool" : "GlobalMaxPool"
      let after =
        keeps
        ? """
        graph g(%x: f32[n,3,5,7]) -> (%y)
          %y: f32[n,3,1,1] = \(pool)(%x)

        """
        : """
        graph g(%x: f32[n,3,5,7]) -> (%y)
          %y.pool: f32[n,3,1,1] = \(pool)(%x)
          %y: f32[n,3] = Flatten(%y.pool)

        """
      try expect(
        GlobalPoolRecognition(), on: b.returning(y), gives: after, within: Tolerance.rounding)
    }
  }

  @Test(arguments: [[Int64(2)], [1, 2, 3], [1, 2]]) func otherAxes(axes: [Int64]) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3, 5, 7])
    let y = try b.op(.reduce(Reduce(.mean)), x, b.integers(axes), name: "y")
    try expectUnchanged(GlobalPoolRecognition(), on: b.returning(y))
  }

  @Test func sequences() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3, 5])
    let y = try b.op(.reduce(Reduce(.mean)), x, b.integers([2]), name: "y")
    try expectUnchanged(GlobalPoolRecognition(), on: b.returning(y))
  }
}
