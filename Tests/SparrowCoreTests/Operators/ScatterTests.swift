import SparrowCore
import Testing

@Suite struct ScatterTests {
  private static let data = Tensor([Float(1), 2, 3, 4, 5, 6], shape: [2, 3])

  @Test func gatherElementsTakesOneElementAnIndex() throws {
    let indices = Tensor([Int64(2), -3, 1, 1], shape: [2, 2])
    let result = try GatherElements(axis: 1).compute(Operands([Self.data, indices]))
    #expect(result == [Tensor([Float(3), 1, 5, 5], shape: [2, 2])])
  }

  @Test(
    arguments: [
      (.none, [20, 2, 3, 4, 5, 5]), (.add, [31, 2, 3, 4, 5, 41]), (.mul, [200, 2, 3, 4, 5, 900]),
      (.max, [20, 2, 3, 4, 5, 30]), (.min, [1, 2, 3, 4, 5, 5]),
    ] as [(ScatterReduction, [Float])])
  func scatterElementsCombinesInOrder(reduction: ScatterReduction, expected: [Float]) throws {
    var op = ScatterElements()
    (op.axis, op.reduction) = (1, reduction)
    // Each row hits one element twice.
    let indices = Tensor([Int64(0), -3, 2, 2], shape: [2, 2])
    let updates = Tensor([Float(10), 20, 30, 5], shape: [2, 2])
    #expect(
      try op.compute(Operands([Self.data, indices, updates])) == [
        Tensor(expected, shape: [2, 3])
      ])
  }

  @Test(
    arguments: [
      (.add, [254, 2], 3, [1, 2]), (.mul, [200, 2], 2, [144, 2]), (.max, [254, 2], 3, [254, 2]),
      (.min, [254, 2], 3, [3, 2]),
    ] as [(ScatterReduction, [UInt8], UInt8, [UInt8])])
  func integersAreExactAndWrapAround(
    reduction: ScatterReduction, data: [UInt8], update: UInt8, expected: [UInt8]
  ) throws {
    var op = ScatterND()
    op.reduction = reduction
    let indices = Tensor([Int64(0)], shape: [1, 1])
    let result = try op.compute(Operands([Tensor(data), indices, Tensor([update])]))
    #expect(result == [Tensor(expected)])
  }

  @Test func signedExtremesCompareBySign() throws {
    var op = ScatterElements()
    op.reduction = .min
    let result = try op.compute(
      Operands([Tensor([Int16(3), 4]), Tensor([Int64(1), 0]), Tensor([Int16(-5), 7])]))
    #expect(result == [Tensor([Int16(3), -5])])
  }

  @Test func scatterNDWritesSlices() throws {
    let indices = Tensor([Int64(-1), 0], shape: [2, 1])
    let updates = Tensor([Float(7), 8, 9, 10, 11, 12], shape: [2, 3])
    #expect(
      try ScatterND().compute(Operands([Self.data, indices, updates])) == [
        Tensor([Float(10), 11, 12, 7, 8, 9], shape: [2, 3])
      ])
  }

  @Test func indicesOutOfRangeThrow() {
    let outside = Tensor([Int64(3)], shape: [1, 1])
    let one = Tensor([Float(0)], shape: [1, 1])
    #expect(throws: ComputeError("index 3 lies outside axis 1 of length 3")) {
      _ = try GatherElements(axis: 1).compute(Operands([Self.data, outside]))
    }
    var op = ScatterElements()
    op.axis = 1
    #expect(throws: ComputeError("index 3 lies outside axis 1 of length 3")) {
      _ = try op.compute(Operands([Self.data, outside, one]))
    }
    #expect(throws: ComputeError("index 3 lies outside axis 0 of length 2")) {
      _ = try ScatterND().compute(
        Operands([Self.data, outside, Tensor([Float(0), 0, 0], shape: [1, 3])]))
    }
  }

  @Test(arguments: [(TensorScatter.Mode.circular, true), (.linear, false)])
  func tensorScatterWritesEachBatchAtItsPlace(mode: TensorScatter.Mode, fits: Bool) throws {
    var op = TensorScatter()
    (op.mode, op.axis) = (mode, 1)
    let cache = Tensor((0..<6).map { Float($0) }, shape: [2, 3, 1])
    let update = Tensor([Float(10), 11, 12, 13], shape: [2, 2, 1])
    let operands = Operands([cache, update, Tensor([Int64(1), 2])])
    guard fits else {
      #expect(throws: ComputeError("position 3 lies outside an axis of length 3")) {
        _ = try op.compute(operands)
      }
      return
    }
    #expect(
      try op.compute(operands) == [Tensor([Float(0), 10, 11, 13, 4, 12], shape: [2, 3, 1])])
  }
}

@Suite struct SelectionOperatorTests {
  @Test(
    arguments: [
      (true, [.infinity, 3], [4, 1]), (false, [-1, 0], [3, 0]),
    ] as [(Bool, [Float], [Int64])])
  func topKKeepsTheFirstOfEquals(isLargest: Bool, values: [Float], indices: [Int64]) throws {
    var op = TopK()
    op.isLargest = isLargest
    let x = Tensor([Float(0), 3, 3, -1, .infinity], shape: [1, 5])
    let result = try op.compute(Operands([x, Tensor([Int64(2)])], outputCount: 2))
    #expect(result == [Tensor(values, shape: [1, 2]), Tensor(indices, shape: [1, 2])])
  }

  @Test func topKAlongTheFirstAxisComparesUnsignedNumbers() throws {
    var op = TopK()
    op.axis = 0
    let x = Tensor([UInt64.max, 1, 5, 2], shape: [2, 2])
    let result = try op.compute(Operands([x, Tensor([Int64(1)])], outputCount: 2))
    #expect(
      result == [Tensor([UInt64.max, 2], shape: [1, 2]), Tensor([Int64(0), 1], shape: [1, 2])])
  }

  @Test(
    arguments: [
      (true, [-1, 2, .nan], [1, 0, 3], [1, 0, 0, 2, 2], [2, 1, 2]),
      (false, [2, -1, .nan], [0, 1, 3], [0, 1, 1, 2, 2], [1, 2, 2]),
    ] as [(Bool, [Float], [Int64], [Int64], [Int64])])
  func uniqueOfAFlatTensor(
    isSorted: Bool, values: [Float], first: [Int64], inverse: [Int64], counts: [Int64]
  ) throws {
    var op = Unique()
    op.isSorted = isSorted
    let result = try op.compute(
      Operands([Tensor([Float(2), -1, -1, .nan, .nan])], outputCount: 4))
    #expect(result == [Tensor(values), Tensor(first), Tensor(inverse), Tensor(counts)])
  }

  @Test func uniqueSlicesCompareElementByElement() throws {
    var op = Unique()
    op.axis = 1
    let x = Tensor([Int32(3), 1, 3, 0, 2, 0], shape: [2, 3])
    let result = try op.compute(Operands([x], outputCount: 3))
    #expect(
      result == [
        Tensor([Int32(1), 3, 2, 0], shape: [2, 2]), Tensor([Int64(1), 0]),
        Tensor([Int64(1), 0, 1]),
      ])
  }

  @Test func oneHotCountsFromTheEndAndLeavesOthersOff() throws {
    var op = OneHot()
    op.axis = 0
    let result = try op.compute(
      Operands([Tensor([Float(1), -1, 3]), Tensor(scalar: Int64(3)), Tensor([Float(-2), 5])]))
    #expect(
      result == [
        Tensor([Float(-2), -2, -2, 5, -2, -2, -2, 5, -2], shape: [3, 3])
      ])
  }

  @Test func compressDropsSlices() throws {
    let x = Tensor([Float(1), 2, 3, 4, 5, 6], shape: [2, 3])
    var op = Compress()
    #expect(
      try op.compute(Operands([x, Tensor([false, true, false, true])])) == [Tensor([Float(2), 4])])
    op.axis = -1
    #expect(
      try op.compute(Operands([x, Tensor([true, false, true, true])])) == [
        Tensor([Float(1), 3, 4, 6], shape: [2, 2])
      ])
  }

  @Test func reverseSequenceLeavesTheRest() throws {
    var op = ReverseSequence()
    (op.batchAxis, op.timeAxis) = (0, 1)
    let x = Tensor((0..<8).map { Float($0) }, shape: [2, 4])
    let result = try op.compute(Operands([x, Tensor([Int64(3), 2])]))
    #expect(result == [Tensor([Float(2), 1, 0, 3, 5, 4, 6, 7], shape: [2, 4])])
    #expect(throws: ComputeError("sequence_lens must be 2 lengths from 0 to 4")) {
      _ = try op.compute(Operands([x, Tensor([Int64(5), 2])]))
    }
  }
}

@Suite struct RearrangementTests {
  @Test(
    arguments: [
      (.depthFirst, [0, 6, 1, 7, 12, 18, 13, 19]), (.depthLast, [0, 3, 1, 4, 6, 9, 7, 10]),
    ] as [(DepthOrder, [Float])])
  func depthToSpaceInterleaves(mode: DepthOrder, firstPlaneStart: [Float]) throws {
    var op = DepthToSpace(blockSize: 2)
    op.mode = mode
    // Channel c holds 3 c + row-major pixels of a 1 x 3 image.
    let x = Tensor((0..<24).map { Float($0) }, shape: [1, 8, 1, 3])
    let result = try op.compute(Operands([x]))[0]
    #expect(result.shape == [1, 2, 2, 6])
    let plane = result.array(of: Float.self)
    // Rows of the first plane: its first four columns.
    #expect(Array(plane[..<4]) + Array(plane[6..<10]) == firstPlaneStart)
    guard mode == .depthFirst else { return }
    #expect(try SpaceToDepth(blockSize: 2).compute(Operands([result])) == [x])
  }

  @Test func tileRepeatsEveryAxis() throws {
    let x = Tensor([Float(1), 2], shape: [1, 2])
    #expect(
      try Tile().compute(Operands([x, Tensor([Int64(2), 2])])) == [
        Tensor([Float(1), 2, 1, 2, 1, 2, 1, 2], shape: [2, 4])
      ])
    #expect(
      try Tile().compute(Operands([x, Tensor([Int64(0), 2])])) == [
        Tensor([Float](), shape: [0, 4])
      ])
  }

  @Test(
    arguments: [
      ([3], [1, 2, 3]), ([2], [2, 3]), ([6], [0, 1, 2, 3, 4, 0]), ([7], [0, 1, 2, 3, 4, 0, 0]),
      ([0], []),
    ] as [([Int64], [Float])])
  func centerCropPadLeavesTheOddElementAtTheEnd(length: [Int64], expected: [Float]) throws {
    let x = Tensor([Float(1), 2, 3, 4])
    #expect(try CenterCropPad().compute(Operands([x, Tensor(length)])) == [Tensor(expected)])
  }
}
