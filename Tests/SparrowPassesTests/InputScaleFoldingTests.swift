import SparrowCore
import SparrowPasses
import Testing

@Suite struct InputScaleFoldingTests {
  @Test(arguments: [[], [1], [4, 1, 1], [1, 4, 1, 1]]) func scale(shape: [Int]) throws {
    for group in [1, 2, 4] {
      var b = Builder("g")
      let x = b.input("x", [2, 4, 5, 5])
      let h = try b.binary(.mul, b.weight("s", shape), x, name: "h")
      let w = b.weight("w", [8, 4 / group, 3, 3])
      let y = try b.op(convolution(group: group), h, w, name: "y")
      let groups = group == 1 ? "" : ", group=\(group)"
      let after = """
        graph g(%x: f32[2,4,5,5]) -> (%y)
          %y: f32[2,8,5,5] = Conv(%x, @w: f32[8,\(4 / group),3,3]) {pads=[1,1,1,1]\(groups)}

        """
      try expect(
        InputScaleFolding(), on: b.returning(y), gives: after, within: Tolerance.rounding)
    }
  }

  @Test func shiftWithoutPadding() throws {
    for (group, hasBias) in [(1, true), (2, false), (4, true)] {
      var b = Builder("g")
      let x = b.input("x", [2, 4, 5, 5])
      let h = try b.binary(.add, x, b.weight("t", [4, 1, 1]), name: "h")
      let w = b.weight("w", [8, 4 / group, 3, 3])
      let bias = hasBias ? b.weight("y.bias", [8]) : nil
      let y = try b.op(.conv(Conv(group: group, activation: .relu)), h, w, bias, name: "y")
      let groups = group == 1 ? "" : "group=\(group), "
      let after = """
        graph g(%x: f32[2,4,5,5]) -> (%y)
          %y: f32[2,8,3,3] = Conv(%x, @w: f32[8,\(4 / group),3,3], @y.bias: f32[8]) \
        {\(groups)activation=relu}

        """
      try expect(
        InputScaleFolding(), on: b.returning(y), gives: after, within: Tolerance.rounding)
    }
  }

  @Test func scaleBehindAShiftThatStays() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let scaled = try b.binary(.mul, x, b.scalar(0.25, shape: [1]), name: "scaled")
    let h = try b.binary(.add, scaled, b.scalar(2, shape: [1]), name: "h")
    let y = try b.op(convolution(group: 4), h, b.weight("w", [4, 1, 3, 3]), name: "y")
    let after = """
      graph g(%x: f32[2,4,5,5]) -> (%y)
        %h: f32[2,4,5,5] = Add(%x, @h.shift: f32[4,1,1])
        %y: f32[2,4,5,5] = Conv(%h, @w: f32[4,1,3,3]) {pads=[1,1,1,1], group=4}

      """
    try expect(InputScaleFolding(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func shiftBeforePaddingStays() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let h = try b.binary(.add, x, b.scalar(2), name: "h")
    let y = try b.op(convolution(), h, b.weight("w", [4, 4, 3, 3]), name: "y")
    try expectUnchanged(InputScaleFolding(), on: b.returning(y))
  }

  @Test func notBehindAShiftOverAScaleOfZero() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let scaled = try b.binary(.mul, x, b.scalar(0), name: "scaled")
    let h = try b.binary(.add, scaled, b.scalar(2), name: "h")
    let y = try b.op(convolution(), h, b.weight("w", [4, 4, 3, 3]), name: "y")
    try expectUnchanged(InputScaleFolding(), on: b.returning(y))
  }

  @Test func notWhereOthersReadTheInput() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let h = try b.binary(.mul, x, b.scalar(2), name: "h")
    let y = try b.op(convolution(), h, b.weight("w", [4, 4, 3, 3]), name: "y")
    try expectUnchanged(InputScaleFolding(), on: b.returning(y, h))
    let z = try b.binary(.add, h, y, name: "z")
    try expectUnchanged(InputScaleFolding(), on: b.returning(z))
  }

  @Test(arguments: [[5], [5, 1], [2, 1, 1, 1]]) func notAlongOtherAxes(shape: [Int]) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let h = try b.binary(.mul, x, b.weight("s", shape), name: "h")
    let y = try b.op(convolution(), h, b.weight("w", [4, 4, 3, 3]), name: "y")
    try expectUnchanged(InputScaleFolding(), on: b.returning(y))
  }

  @Test func notByConstantsThatAddChannels() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 1, 5, 5])
    let h = try b.binary(.mul, x, b.weight("s", [4, 1, 1]), name: "h")
    let y = try b.op(convolution(), h, b.weight("w", [4, 4, 3, 3]), name: "y")
    try expectUnchanged(InputScaleFolding(), on: b.returning(y))
  }

  @Test func sharedWeightGetsACopy() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let w = b.weight("w", [4, 4, 3, 3])
    let c = try b.op(convolution(), x, w, name: "c")
    let h = try b.binary(.mul, c, b.scalar(2), name: "h")
    let y = try b.op(convolution(), h, w, name: "y")
    let after = """
      graph g(%x: f32[2,4,5,5]) -> (%y)
        %c: f32[2,4,5,5] = Conv(%x, @w: f32[4,4,3,3]) {pads=[1,1,1,1]}
        %y: f32[2,4,5,5] = Conv(%c, @w_1: f32[4,4,3,3]) {pads=[1,1,1,1]}

      """
    try expect(InputScaleFolding(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }
}
