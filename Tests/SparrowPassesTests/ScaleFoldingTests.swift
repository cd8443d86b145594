import SparrowCore
import SparrowPasses
import Testing

@Suite struct ScaleFoldingTests {
  @Test(arguments: [[], [1], [4, 1, 1], [1, 4, 1, 1], [1, 1, 1, 1]])
  func intoConvolution(shape: [Int]) throws {
    for function in [Binary.Function.mul, .div] {
      var b = Builder("g")
      let x = b.input("x", [2, 3, 5, 5])
      let (w, bias) = (b.weight("w", [4, 3, 3, 3]), b.weight("b", [4]))
      let c = try b.op(convolution(), x, w, bias, name: "c")
      let scale = b.weight("s", shape, in: 1...3)
      let y =
        function == .mul
        ? try b.binary(.mul, scale, c, name: "y") : try b.binary(.div, c, scale, name: "y")
      let after = """
        graph g(%x: f32[2,3,5,5]) -> (%y)
          %y: f32[2,4,5,5] = Conv(%x, @w: f32[4,3,3,3], @b: f32[4]) {pads=[1,1,1,1]}

        """
      try expect(ScaleFolding(), on: b.returning(y), gives: after, within: Tolerance.rounding)
    }
  }

  @Test func withoutBiasStaysWithout() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let c = try b.op(.matMul(MatMul()), x, b.weight("w", [3, 4]), name: "c")
    let y = try b.binary(.mul, c, b.weight("s", [4]), name: "y")
    let after = """
      graph g(%x: f32[2,3]) -> (%y)
        %y: f32[2,4] = MatMul(%x, @w: f32[3,4])

      """
    try expect(ScaleFolding(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test(arguments: [[5], [5, 1], [2, 1, 1, 1], [1, 4, 5, 5], [1, 1, 1, 1, 1]])
  func notAlongOtherAxes(shape: [Int]) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3, 5, 5])
    let c = try b.op(convolution(), x, b.weight("w", [4, 3, 3, 3]), name: "c")
    let y = try b.binary(.mul, c, b.weight("s", shape), name: "y")
    try expectUnchanged(ScaleFolding(), on: b.returning(y))
  }

  @Test func notPastAnAddend() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let c = try b.op(convolution(), x, b.weight("w", [4, 4, 3, 3]), nil, x, name: "c")
    let y = try b.binary(.mul, c, b.scalar(2), name: "y")
    try expectUnchanged(ScaleFolding(), on: b.returning(y))
  }

  @Test func notByZeroDivision() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let c = try b.op(.matMul(MatMul()), x, b.weight("w", [3, 4]), name: "c")
    let y = try b.binary(.div, c, b.scalar(0), name: "y")
    try expectUnchanged(ScaleFolding(), on: b.returning(y))
  }
}
