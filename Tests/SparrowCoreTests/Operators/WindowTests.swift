import SparrowCore
import SparrowTestSupport
import Testing

private func numbers(_ shape: [Int], seed: UInt64 = 1) -> Tensor {
  var generator = SeededGenerator(seed: seed)
  return Tensor(
    (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) },
    shape: shape)
}

private let tolerance = 1e-5

private func expectClose(
  _ tensor: Tensor, _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation
) {
  let found = tensor.doubles
  #expect(found.count == expected.count, sourceLocation: sourceLocation)
  for (a, b) in zip(found, expected) {
    #expect(abs(a - b) <= tolerance * (1 + abs(b)), sourceLocation: sourceLocation)
  }
}

@Suite struct ConvolutionReferenceTests {
  /// One output channel a group, written out for one dimension.
  @Test(arguments: [(1, 1, 0), (2, 1, 1), (1, 2, 2), (3, 2, 3)])
  func convolutionInOneDimension(stride: Int, dilation: Int, pad: Int) throws {
    let (x, w) = (numbers([2, 4, 9]), numbers([2, 2, 3], seed: 2))
    let bias = Tensor([Float(0.5), -1])
    let window = Window(strides: [stride], pads: [pad, pad], dilations: [dilation])
    let op = Conv(window: window, group: 2, activation: .relu)
    let result = try op.compute(Operands([x, w, bias]))[0]
    let length = (9 + 2 * pad - 2 * dilation - 1) / stride + 1
    #expect(result.shape == [2, 2, length])
    let (a, b) = (x.doubles, w.doubles)
    var expected: [Double] = []
    for n in 0..<2 {
      for o in 0..<2 {
        for i in 0..<length {
          var sum = o == 0 ? 0.5 : -1
          for c in 0..<2 {
            for k in 0..<3 {
              let at = i * stride - pad + k * dilation
              if at >= 0 && at < 9 {
                sum += a[(n * 4 + o * 2 + c) * 9 + at] * b[(o * 2 + c) * 3 + k]
              }
            }
          }
          expected.append(max(0, sum))
        }
      }
    }
    expectClose(result, expected)
  }

  /// <conv(x), y> = <x, conv transposed(y)>, in one to three dimensions.
  @Test(arguments: [[7], [6, 5], [4, 5, 3]])
  func transposedConvolutionIsTheAdjoint(spatial: [Int]) throws {
    let rank = spatial.count
    let window = Window(
      strides: [Int](repeating: 2, count: rank), pads: [Int](repeating: 1, count: 2 * rank))
    let x = numbers([2, 4] + spatial)
    let w = numbers([6, 2] + [Int](repeating: 3, count: rank), seed: 3)
    let forward = try Conv(window: window, group: 2).compute(Operands([x, w]))[0]
    let y = numbers(forward.shape, seed: 4)
    var op = ConvTranspose(window: window, group: 2)
    op.outputPadding = spatial.map { ($0 + 2 - 3) % 2 }
    let back = try op.compute(Operands([y, w]))[0]
    #expect(back.shape == x.shape)
    let left = zip(forward.doubles, y.doubles).reduce(0) { $0 + $1.0 * $1.1 }
    let right = zip(x.doubles, back.doubles).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(left - right) < 1e-4 * (1 + abs(left)))
  }

  @Test func deformableConvolutionWithWholeOffsetsReadsElsewhere() throws {
    let x = Tensor((0..<9).map { Float($0) }, shape: [1, 1, 3, 3])
    let w = Tensor([Float(2)], shape: [1, 1, 1, 1])
    // Everything one row down and half a column to the right; zeros lie outside.
    let offsets = Tensor(
      [Float](repeating: 1, count: 9) + [Float](repeating: 0.5, count: 9), shape: [1, 2, 3, 3])
    let result = try DeformConv().compute(Operands([x, w, offsets, Tensor([Float(1)])]))[0]
    expectClose(result, [8, 10, 6, 14, 16, 9, 1, 1, 1])
    let mask = Tensor([Float](repeating: 0.5, count: 9), shape: [1, 1, 3, 3])
    let masked = try DeformConv().compute(Operands([x, w, offsets, nil, mask]))[0]
    expectClose(masked, [3.5, 4.5, 2.5, 6.5, 7.5, 4, 0, 0, 0])
  }

  @Test func columnsAddUpToTheImage() throws {
    var op = Col2Im()
    op.pads = [1, 0, 0, 0]
    // Windows of 2 x 1 over a padded image of 3 x 2: rows overlap by one.
    let columns = Tensor((1...8).map { Float($0) }, shape: [1, 2, 4])
    let result = try op.compute(
      Operands([columns, Tensor([Int64(2), 2]), Tensor([Int64(2), 1])]))[0]
    #expect(result == Tensor([Float(5 + 3), 6 + 4, 7, 8], shape: [1, 1, 2, 2]))
  }
}

@Suite struct PoolingReferenceTests {
  private static let image = Tensor(
    [Float(1), 9, 2, 3, 4, 8, 7, 6, 5], shape: [1, 1, 3, 3])

  /// 9 is at row 0, column 1; 7 at row 2, column 0; 8 at row 1, column 2.
  @Test(arguments: [(false, [1, 1, 6, 5]), (true, [3, 3, 2, 7])] as [(Bool, [Int64])])
  func maxPoolSaysWhereItsElementsWere(columnsFirst: Bool, indices: [Int64]) throws {
    var op = Pool(.max, window: Window(kernel: [2, 2]))
    op.countsColumnsFirst = columnsFirst
    let result = try op.compute(Operands([Self.image], outputCount: 2))
    #expect(
      result == [
        Tensor([Float(9), 9, 7, 8], shape: [1, 1, 2, 2]),
        Tensor(indices, shape: [1, 1, 2, 2]),
      ])
  }

  @Test(arguments: [(false, [1, 2, 2, 4]), (true, [4, 4, 4, 4])] as [(Bool, [Double])])
  func averagePoolCountsPaddingOnDemand(counts: Bool, divisors: [Double]) throws {
    var op = Pool(.average, window: Window(kernel: [2, 2], strides: [2, 2], pads: [1, 1, 0, 0]))
    op.countsPadding = counts
    let result = try op.compute(Operands([Self.image]))[0]
    let sums: [Double] = [1, 9 + 2, 3 + 7, 4 + 8 + 6 + 5]
    expectClose(result, zip(sums, divisors).map { $0 / $1 })
  }

  @Test func normPoolsIgnorePadding() throws {
    let x = Tensor([Float(3), -4, 12], shape: [1, 1, 3])
    var op = LpPool(window: Window(kernel: [2], pads: [1, 0]))
    expectClose(try op.compute(Operands([x]))[0], [3, 5, 160.0.squareRoot()])
    op.p = 1
    expectClose(try op.compute(Operands([x]))[0], [3, 7, 16])
    var global = GlobalLpPool()
    expectClose(try global.compute(Operands([x]))[0], [13])
    global.p = 3
    expectClose(try global.compute(Operands([x]))[0], [12.2070549538])
  }

  @Test func maxUnpoolPutsElementsBack() throws {
    var op = MaxUnpool()
    (op.kernel, op.strides) = ([2, 2], [2, 2])
    let x = Tensor([Float(1), 2, 3, 4], shape: [1, 1, 2, 2])
    let indices = Tensor([Int64(5), 7, 13, 15], shape: [1, 1, 2, 2])
    let small = try op.compute(Operands([x, indices]))[0]
    #expect(small.shape == [1, 1, 4, 4])
    #expect(small.integersAt([5, 7, 13, 15]) == [1, 2, 3, 4])
    let large = try op.compute(Operands([x, indices, Tensor([Int64(1), 1, 5, 5])]))[0]
    #expect(large.integersAt([6, 8, 16, 18]) == [1, 2, 3, 4])
    #expect(throws: ComputeError.self) {
      _ = try op.compute(Operands([x, Tensor([Int64(5), 7, 13, 16], shape: [1, 1, 2, 2])]))
    }
  }
}

extension Tensor {
  /// The elements at some positions, rounded.
  fileprivate func integersAt(_ positions: [Int]) -> [Int] {
    let all = doubles
    return positions.map { Int(all[$0]) }
  }
}

@Suite struct SamplingTests {
  private static let image = Tensor([Float(1), 2, 3, 4], shape: [1, 1, 2, 2])

  @Test(
    arguments: [
      (.linear, .zeros, [1, 2.5, 0.25]), (.linear, .border, [1, 2.5, 1]),
      (.linear, .reflection, [1, 2.5, 1]),
      // Halves round to even: to pixel 0 in the middle and at the corner.
      (.nearest, .zeros, [1, 1, 1]),
    ] as [(GridSample.Mode, GridSample.Padding, [Double])])
  func gridSampleInterpolates(
    mode: GridSample.Mode, padding: GridSample.Padding, expected: [Double]
  ) throws {
    var op = GridSample()
    (op.mode, op.padding) = (mode, padding)
    // The first pixel's centre, the middle of the image, and its outer corner.
    let grid = Tensor([Float(-0.5), -0.5, 0, 0, -1, -1], shape: [1, 1, 3, 2])
    let result = try op.compute(Operands([Self.image, grid]))[0]
    expectClose(result, expected)
  }

  @Test(arguments: GridSample.Mode.allCases, GridSample.Padding.allCases)
  func gridPointsFarAwayAreSafe(mode: GridSample.Mode, padding: GridSample.Padding) throws {
    var op = GridSample()
    (op.mode, op.padding) = (mode, padding)
    let grid = Tensor(
      [Float(1e30), -.infinity, .nan, 0, .infinity, -1e30], shape: [1, 1, 3, 2])
    for aligns in [true, false] {
      op.alignsCorners = aligns
      #expect(try op.compute(Operands([Self.image, grid]))[0].count == 3)
      let pixel = Tensor([Float(5)], shape: [1, 1, 1, 1])
      #expect(try op.compute(Operands([pixel, grid]))[0].count == 3)
    }
  }

  @Test func identityGridShowsTheImage() throws {
    let x = numbers([2, 3, 4, 5])
    let theta = Tensor([Float(1), 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0], shape: [2, 2, 3])
    for aligns in [false, true] {
      var (maker, sampler) = (AffineGrid(), GridSample())
      (maker.alignsCorners, sampler.alignsCorners) = (aligns, aligns)
      let grid = try maker.compute(Operands([theta, Tensor([Int64(2), 3, 4, 5])]))[0]
      #expect(grid.shape == [2, 4, 5, 2])
      for mode in GridSample.Mode.allCases {
        sampler.mode = mode
        expectClose(try sampler.compute(Operands([x, grid]))[0], x.doubles)
      }
    }
  }

  @Test(arguments: RoiAlign.Coordinates.allCases, RoiAlign.Mode.allCases)
  func roiAlignSamplesBetweenPixels(
    coordinates: RoiAlign.Coordinates, mode: RoiAlign.Mode
  ) throws {
    // Pixels hold 4 row + column.
    let x = Tensor((0..<16).map { Float($0) }, shape: [1, 1, 4, 4])
    var op = RoiAlign()
    (op.coordinates, op.mode, op.samplingRatio) = (coordinates, mode, 1)
    let regions = Tensor([Float(1), 1, 2, 2].map { $0 - 0.1 }, shape: [1, 4])
    // Its centre is at 1.4, less 0.5 where pixel centres lie at halves.
    let center = coordinates == .halfPixel ? 0.9 : 1.4
    let result = try op.compute(Operands([x, regions, Tensor([Int64(0)])]))[0].doubles[0]
    let low = center.rounded(.down)
    let f = center - low
    let products = [
      (1 - f) * (1 - f) * (5 * low), (1 - f) * f * (5 * low + 1), f * (1 - f) * (5 * low + 4),
      f * f * (5 * low + 5),
    ]
    let wanted = mode == .max ? products.max() ?? 0 : products.reduce(0, +)
    #expect(abs(result - wanted) < 1e-4)
  }

  @Test func regionsBeyondLimitsThrow() {
    let x = Tensor([Float](repeating: 1, count: 4), shape: [1, 1, 2, 2])
    for corner in [Float.infinity, .nan, 1e30] {
      let regions = Tensor([Float(0), 0, corner, corner], shape: [1, 4])
      #expect(throws: ComputeError.self) {
        _ = try RoiAlign().compute(Operands([x, regions, Tensor([Int64(0)])]))
      }
      let pooled = Tensor([Float(0), 0, 0, corner, corner], shape: [1, 5])
      #expect(throws: ComputeError.self) {
        _ = try MaxRoiPool().compute(Operands([x, pooled]))
      }
    }
    #expect(throws: ComputeError("batch index 1 lies outside a batch of 1")) {
      _ = try RoiAlign().compute(
        Operands([x, Tensor([Float(0), 0, 1, 1], shape: [1, 4]), Tensor([Int64(1)])]))
    }
  }

  @Test func maxRoiPoolTakesTheLargestOfEachBin() throws {
    let x = Tensor((0..<16).map { Float($0) }, shape: [1, 1, 4, 4])
    var op = MaxRoiPool()
    op.pooledShape = [2, 2]
    // Columns 0 to 2 and rows 1 to 3: bins of one and a half pixels overlap.
    let result = try op.compute(
      Operands([x, Tensor([Float(0), 0, 1, 2, 3], shape: [1, 5])]))[0]
    #expect(result == Tensor([Float(9), 10, 13, 14], shape: [1, 1, 2, 2]))
  }
}
