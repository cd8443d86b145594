import SparrowCore
import SparrowRuntime
import Testing

/// Operators that only move elements.
@Suite struct OperatorsMovementTests {
  static let permutations: [([Int], [Int])] = [
    ([2, 3], [1, 0]), ([5, 7, 3], [2, 0, 1]), ([2, 3, 4, 5], [0, 2, 3, 1]),
    ([2, 3, 4, 5], [0, 3, 1, 2]), ([2, 12, 16, 8], [0, 2, 1, 3]), ([130, 270], [1, 0]),
    ([1, 5, 1, 6], [3, 2, 1, 0]), ([2, 3, 2, 3, 2], [4, 1, 3, 0, 2]), ([0, 3], [1, 0]),
  ]

  @Test(arguments: permutations.indices)
  func transposePermutesAxes(_ i: Int) throws {
    let (shape, order) = Self.permutations[i]
    let strides = shape.rowMajorStrides
    let target = order.map { shape[$0] }
    let expected = (0..<target.elementCount).map { index in
      var (rest, position) = (index, 0)
      for axis in target.indices.reversed() {
        position += rest % target[axis] * strides[order[axis]]
        rest /= target[axis]
      }
      return position
    }
    for dtype in [DType.float32, .int64, .uint16, .int8] {
      let x = try run(.cast(Cast(to: dtype)), [counting(shape)])[0]
      let wanted = Tensor(expected.map { Float($0) }, shape: target)
      #expect(
        try run(.transpose(Transpose(order)), [x])[0]
          == (try run(.cast(Cast(to: dtype)), [wanted])[0]), "\(dtype)")
    }
  }

  @Test func viewsKeepBytesUnderAnotherShape() throws {
    let x = counting([2, 3, 4])
    let shapes: [(Op, [Int]?, [Int])] = [
      (.reshape(Reshape()), [0, -1], [2, 12]), (.reshape(Reshape()), [4, 0, -1], [4, 3, 2]),
      (.flatten(Flatten(axis: 2)), nil, [6, 4]),
      (.unsqueeze(Unsqueeze()), [0, -1], [1, 2, 3, 4, 1]),
      (.identity(Identity()), nil, [2, 3, 4]), (.expand(Expand()), [1, 3, 1], [2, 3, 4]),
    ]
    for (op, argument, shape) in shapes {
      let y = try run(op, [x] + (argument.map { [integers($0)] } ?? []), constant: [1])[0]
      #expect(y == x.reshaped(shape), "\(op.name)")
    }
    let thin = counting([1, 6, 1])
    #expect(try run(.squeeze(Squeeze()), [thin])[0] == counting([6]))
    #expect(
      try run(.squeeze(Squeeze()), [thin, integers([-1])], constant: [1])[0] == counting([1, 6]))
  }

  @Test func expandRepeats() throws {
    let x = counting([3, 1])
    let y = try run(.expand(Expand()), [x, integers([2, 1, 2])], constant: [1])[0]
    #expect(y == Tensor([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2] as [Float], shape: [2, 3, 2]))
  }

  @Test func concatAndSplitAreInverse() throws {
    let x = random([3, 50, 4], seed: 21)
    for axis in [0, 1, -1] {
      let count = axis == 1 ? 4 : 3
      let parts = try run(.split(Split(axis: axis)), [x], outputs: count)
      #expect(try run(.concat(Concat(axis: axis)), parts)[0] == x)
    }
    let parts = try run(
      .split(Split(axis: 1)), [x, integers([1, 0, 49])], constant: [1], outputs: 3)
    #expect(parts.map { $0.shape[1] } == [1, 0, 49])
    #expect(try run(.concat(Concat(axis: 1)), parts)[0] == x)
  }

  @Test func sliceTakesNegativeStepsAndPositionsBeyondTheEnds() throws {
    func slice(
      _ x: Tensor, _ starts: [Int], _ ends: [Int], _ axes: [Int]? = nil, _ steps: [Int]? = nil
    ) throws -> Tensor {
      try run(
        .slice(Slice()),
        [
          x, integers(starts), integers(ends), axes.map { integers($0) },
          steps.map { integers($0) },
        ],
        constant: [1, 2, 3, 4])[0]
    }
    let x = counting([4, 5])
    #expect(try slice(x, [1, 0], [3, 1000]) == Tensor((5..<15).map { Float($0) }, shape: [2, 5]))
    #expect(
      try slice(x, [-1], [Int.min], [1], [-2])
        == Tensor([4, 2, 0, 9, 7, 5, 14, 12, 10, 19, 17, 15] as [Float], shape: [4, 3]))
    #expect(
      try slice(x, [3, -2], [0, -1], [0, 1], [-2, 1])
        == Tensor([18, 8] as [Float], shape: [2, 1]))
    #expect(try slice(x, [2], [2], [0]).shape == [0, 5])
    #expect(try slice(x, [10], [20], [1]).shape == [4, 0])
    #expect(try slice(counting([6]), [0], [Int.max], nil, [4]) == Tensor([0, 4] as [Float]))
  }

  @Test func gatherCountsNegativeIndicesFromTheEnd() throws {
    let x = counting([3, 4])
    let indices = Tensor([-1, 0] as [Int64], shape: [1, 2])
    #expect(
      try run(.gather(Gather()), [x, indices])[0]
        == Tensor([8, 9, 10, 11, 0, 1, 2, 3] as [Float], shape: [1, 2, 4]))
    #expect(
      try run(.gather(Gather(axis: -1)), [x, Tensor(scalar: Int32(1))])[0]
        == Tensor([1, 5, 9] as [Float]))
    for bad in [3, -4] {
      #expect(throws: RuntimeError.self) { try run(.gather(Gather()), [x, integers([bad])]) }
    }
  }

  @Test func gatherNDFollowsIndexVectorsAndBatches() throws {
    let x = counting([2, 2, 2])
    let pairs = Tensor([0, 1, 1, 0] as [Int64], shape: [2, 1, 2])
    #expect(
      try run(.gatherND(GatherND()), [x, pairs])[0]
        == Tensor([2, 3, 4, 5] as [Float], shape: [2, 1, 2]))
    let full = Tensor([0, 0, 0, 1, -1, 1] as [Int64], shape: [2, 3])
    #expect(try run(.gatherND(GatherND()), [x, full])[0] == Tensor([0, 7] as [Float]))
    var batched = GatherND()
    batched.batchDimensions = 1
    #expect(
      try run(.gatherND(batched), [x, Tensor([1, 0] as [Int64], shape: [2, 1])])[0]
        == Tensor([2, 3, 4, 5] as [Float], shape: [2, 2]))
    #expect(throws: RuntimeError.self) {
      try run(.gatherND(GatherND()), [x, Tensor([2] as [Int64], shape: [1, 1])])
    }
  }

  @Test func padConstantReflectEdgeAndWrap() throws {
    func pad(_ x: Tensor, _ pads: [Int], _ mode: Pad.Mode, _ value: Float? = nil) throws -> Tensor {
      var op = Pad()
      op.mode = mode
      return try run(
        .pad(op), [x, integers(pads), value.map { Tensor(scalar: $0) }], constant: [1])[0]
    }
    let x = counting([4])
    #expect(try pad(x, [2, 1], .constant) == Tensor([0, 0, 0, 1, 2, 3, 0] as [Float]))
    #expect(try pad(x, [1, 1], .constant, -5) == Tensor([-5, 0, 1, 2, 3, -5] as [Float]))
    #expect(try pad(x, [-1, 2], .constant, 9) == Tensor([1, 2, 3, 9, 9] as [Float]))
    #expect(try pad(x, [3, 2], .reflect) == Tensor([3, 2, 1, 0, 1, 2, 3, 2, 1] as [Float]))
    #expect(try pad(x, [2, 2], .edge) == Tensor([0, 0, 0, 1, 2, 3, 3, 3] as [Float]))
    #expect(try pad(x, [2, 3], .wrap) == Tensor([2, 3, 0, 1, 2, 3, 0, 1, 2] as [Float]))
    let square = counting([2, 2])
    #expect(
      try pad(square, [0, 1, 1, 0], .edge)
        == Tensor([0, 0, 1, 2, 2, 3, 2, 2, 3] as [Float], shape: [3, 3]))
    #expect(
      try pad(square, [1, 0, 0, 1], .constant, 7)
        == Tensor([7, 7, 7, 0, 1, 7, 2, 3, 7] as [Float], shape: [3, 3]))
    #expect(try pad(x, [-9, 9], .constant) == Tensor([0, 0, 0, 0] as [Float]))
    #expect(throws: RuntimeError.self) { try pad(x, [Int.min, Int.max], .edge) }
    let big = try pad(random([1, 3, 100, 100], seed: 22), [0, 0, 1, 1, 0, 0, 1, 1], .constant)
    #expect(big.shape == [1, 3, 102, 102])
  }

  @Test func resizeOfLargeImagesTakesNearestNeighbours() throws {
    let x = counting([1, 3, 60, 50])
    var op = Resize()
    op.coordinates = .asymmetric
    op.rounding = .floor
    let scales = Tensor([1, 1, 2, 2] as [Float])
    let y = try run(.resize(op), [x, nil, scales], constant: [2])[0]
    var expected: [Double] = []
    for channel in 0..<3 {
      for row in 0..<120 {
        let start = (channel * 60 + row / 2) * 50
        for column in 0..<100 { expected.append(Double(start + column / 2)) }
      }
    }
    #expect(isClose(y, expected))
  }

  @Test func resizeToAndFromNothing() throws {
    for mode in Resize.Mode.allCases {
      for coordinates in Resize.Coordinates.allCases {
        var op = Resize()
        (op.mode, op.coordinates) = (mode, coordinates)
        let empty = counting([1, 0])
        let y = try run(.resize(op), [empty, nil, nil, integers([0, 5])], constant: [3])[0]
        #expect(y.shape == [0, 5])
        #expect(throws: RuntimeError.self) {
          try run(.resize(op), [empty, nil, nil, integers([1, 5])], constant: [3])
        }
      }
    }
  }

  @Test func rangesConstantsAndShapes() throws {
    let whole = [10, 4, -3].map { Tensor(scalar: Int64($0)) }
    #expect(try run(.range(RangeOf()), whole, constant: [0, 1, 2])[0] == integers([10, 7]))
    let real = [0, 1, 0.25].map { Tensor(scalar: Float($0)) }
    #expect(
      try run(.range(RangeOf()), real, constant: [0, 1, 2])[0]
        == Tensor([0, 0.25, 0.5, 0.75] as [Float]))
    var constant = ConstantOfShape()
    constant.value = Scalar(dtype: .int16, bits: 0xffff)
    #expect(
      try run(.constantOfShape(constant), [integers([2, 2])], constant: [0])[0]
        == Tensor([-1, -1, -1, -1] as [Int16], shape: [2, 2]))
    var shape = ShapeOf()
    shape.start = -2
    #expect(try run(.shapeOf(shape), [counting([2, 3, 4])])[0] == integers([3, 4]))
  }
}
