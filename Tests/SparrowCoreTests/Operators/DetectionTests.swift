import SparrowCore
import Testing

@Suite struct DetectionTests {
  /// Corners y, x, y, x; the second overlaps the first by 2 / 3, the third neither, given upside down.
  private static let boxes = Tensor(
    [Float(0), 0, 1, 1, 0, 0.2, 1, 1.2, 5, 6, 4, 5], shape: [1, 3, 4])

  @Test(
    arguments: [
      (3, 0.5, nil, [0, 0, 0, 0, 0, 2, 0, 1, 2, 0, 1, 1]),
      (3, 0.7, nil, [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 2, 0, 1, 1, 0, 1, 0]),
      (1, 0.5, nil, [0, 0, 0, 0, 1, 2]), (3, 0.5, 0.5, [0, 0, 0, 0, 1, 2]), (0, 0.5, nil, []),
    ] as [(Int64, Float, Float?, [Int64])])
  func keepsTheBestOfOverlappingBoxes(
    limit: Int64, overlap: Float, least: Float?, expected: [Int64]
  ) throws {
    let scores = Tensor([Float(0.9), 0.6, 0.3, 0.1, 0.2, 0.8], shape: [1, 2, 3])
    let result = try NonMaxSuppression().compute(
      Operands([
        Self.boxes, scores, Tensor([limit]), Tensor([overlap]), least.map { Tensor([$0]) },
      ]))[0]
    #expect(result == Tensor(expected, shape: [expected.count / 3, 3]))
  }

  @Test func boxesByTheirCentersAreTheSame() throws {
    var op = NonMaxSuppression()
    op.hasCenters = true
    let boxes = Tensor(
      [Float(0.5), 0.5, 1, 1, 0.7, 0.5, 1, 1, 5.5, 4.5, 1, 1], shape: [1, 3, 4])
    let scores = Tensor([Float(0.6), 0.9, 0.3], shape: [1, 1, 3])
    let result = try op.compute(
      Operands([boxes, scores, Tensor([Int64(9)]), Tensor([Float(0.5)])]))
    #expect(result == [Tensor([Int64(0), 0, 1, 0, 0, 2], shape: [2, 3])])
  }

  @Test func nGramsAreCountedWithSkips() throws {
    var op = TfIdfVectorizer()
    (op.shortest, op.longest, op.longestSkip) = (1, 2, 1)
    op.starts = [0, 2]
    op.pool = [7, 8, /* pairs */ 7, 8, 8, 7]
    op.positions = [0, 1, 3, 2]
    op.weights = [1, 10, 100, 0.5]
    // 7 8 7 8: pairs next to each other 78, 87, 78; with one between 77, 88.
    let x = Tensor([Int64(7), 8, 7, 8, 7, 7, 7, 8], shape: [2, 4])
    // 7 7 7 8: 77, 77, 78; with one between 77, 78.
    for (mode, expected) in [
      (.tf, [2, 2, 1, 2, 3, 1, 0, 2]), (.idf, [1, 10, 100, 0.5, 1, 10, 0, 0.5]),
      (.tfidf, [2, 20, 100, 1, 3, 10, 0, 1]),
    ] as [(TfIdfVectorizer.Mode, [Float])] {
      op.mode = mode
      #expect(try op.compute(Operands([x])) == [Tensor(expected, shape: [2, 4])])
    }
  }
}

@Suite struct ResizeReferenceTests {
  private static let ramp = Tensor((0..<8).map { Float($0) }, shape: [8])

  private func resized(_ op: Resize, _ scale: Float, roi: [Float]? = nil) throws -> [Double] {
    try op.compute(Operands([Self.ramp, roi.map { Tensor($0) }, Tensor([scale])]))[0].doubles
  }

  /// A filter that is symmetric leaves a ramp a ramp where it sees no border.
  @Test(arguments: [Resize.Mode.linear, .cubic], [0.5, 0.25] as [Float])
  func antialiasingKeepsStraightLines(mode: Resize.Mode, scale: Float) throws {
    var op = Resize()
    (op.mode, op.antialiases) = (mode, true)
    let found = try resized(op, scale)
    let middle = found.count / 2
    // Mirror images about the centre, 3.5.
    for i in 0..<found.count { #expect(abs(found[i] + found[found.count - 1 - i] - 7) < 1e-5) }
    guard scale == 0.5, mode == .linear else { return }
    // Taps 1/8, 3/8, 3/8, 1/8 around 2.5.
    #expect(abs(found[middle - 1] - 2.5) < 1e-6)
  }

  @Test func croppingShowsThePartAndTheValueOutside() throws {
    var op = Resize()
    (op.mode, op.coordinates, op.extrapolationValue) = (.linear, .cropAndResize, -9)
    let sizes = Tensor([Int64(3)])
    let region = Tensor([Float(0.5), 1.5])
    let result = try op.compute(Operands([Self.ramp, region, nil, sizes]))[0]
    #expect(result == Tensor([Float(3.5), 7, -9]))
  }

  @Test func nearestKeepsEveryBitOfLargeIntegers() throws {
    let x = Tensor([Int64.max, Int64.min + 1])
    let result = try Resize().compute(Operands([x, nil, Tensor([Float(2)])]))[0]
    #expect(result == Tensor([Int64.max, .max, .min + 1, .min + 1]))
  }

  @Test(arguments: [(false, -0.75), (true, -0.5)] as [(Bool, Float)])
  func cubicWeightsMayExcludeTheOutside(excludes: Bool, a: Float) throws {
    var op = Resize()
    (op.mode, op.excludesOutside, op.cubicCoefficient) = (.cubic, excludes, a)
    let found = try resized(op, 2)
    // Output 0 lies at -0.25: taps -2, -1, 0, 1 at distances 1.75, 0.75, 0.25, 1.25.
    let c = Double(a)
    func near(_ d: Double) -> Double { ((c + 2) * d - (c + 3)) * d * d + 1 }
    func far(_ d: Double) -> Double { ((c * d - 5 * c) * d + 8 * c) * d - 4 * c }
    let inside = near(0.25) + far(1.25)
    let expected = excludes ? far(1.25) / inside : far(1.25)
    #expect(abs(found[0] - expected) < 1e-6)
  }
}
