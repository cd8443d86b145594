import Foundation
import SparrowCore
import SparrowTestSupport
import Testing

@Suite struct SignalTests {
  private func signal(_ count: Int, parts: Int, seed: UInt64) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor(
      (0..<count * parts).map { _ in Double.random(in: -1...1, using: &generator) },
      shape: [1, count, parts])
  }

  /// The definition, term by term.
  private func sums(_ x: Tensor, length: Int, sign: Double) -> [Double] {
    let (count, parts) = (x.shape[1], x.shape[2])
    let values = x.doubles
    var result: [Double] = []
    for k in 0..<length {
      var (real, imaginary) = (0.0, 0.0)
      for n in 0..<min(count, length) {
        let angle = sign * 2 * Double.pi * Double(k * n % length) / Double(length)
        let (a, b) = (values[n * parts], parts == 2 ? values[n * parts + 1] : 0)
        real += a * cos(angle) - b * sin(angle)
        imaginary += a * sin(angle) + b * cos(angle)
      }
      result += [real, imaginary]
    }
    return result
  }

  @Test(arguments: [1, 2, 3, 4, 5, 7, 8, 12, 16, 31, 60, 64, 97])
  func transformsFollowTheDefinition(_ length: Int) throws {
    for (count, parts) in [(length, 1), (length, 2), (length + 3, 2), (max(1, length - 2), 1)] {
      let x = signal(count, parts: parts, seed: UInt64(length))
      let given = Tensor(scalar: Int64(length))
      var op = DFT()
      let y = try compute(.dft(op), x, given)[0]
      #expect(y.shape == [1, length, 2])
      #expect(isNear(y, sums(x, length: length, sign: -1), tolerance: 1e-11))
      op.isInverse = true
      let inverse = sums(x, length: length, sign: 1).map { $0 / Double(length) }
      #expect(isNear(try compute(.dft(op), x, given)[0], inverse, tolerance: 1e-11))
    }
  }

  @Test(arguments: [1, 2, 5, 8, 9])
  func realSignalsComeBackFromHalfTheirSpectrum(_ length: Int) throws {
    let x = signal(length, parts: 1, seed: 3)
    var op = DFT()
    op.isOneSided = true
    let half = try compute(.dft(op), x)[0]
    #expect(half.shape == [1, length / 2 + 1, 2])
    op.isInverse = true
    let back = try compute(.dft(op), half, Tensor(scalar: Int32(length)))[0]
    #expect(back.shape == [1, length, 1])
    #expect(isNear(back, x.doubles, tolerance: 1e-11))
  }

  @Test func transformsAlongAnotherAxis() throws {
    let x = signal(6, parts: 2, seed: 4)
    let columns = Tensor(x.doubles, shape: [6, 1, 2])
    let y = try compute(.dft(DFT()), columns, nil, Tensor(scalar: Int64(0)))[0]
    #expect(isNear(y, sums(x, length: 6, sign: -1), tolerance: 1e-11))
    #expect(throws: ComputeError.self) {
      try compute(.dft(DFT()), columns, Tensor(scalar: Int64(-5)))
    }
    #expect(throws: ComputeError.self) {
      try compute(.dft(DFT()), columns, Tensor(scalar: Int64(1) << 40))
    }
  }

  @Test func framesAreTransformedByThemselves() throws {
    let x = signal(20, parts: 1, seed: 5)
    let window = Tensor((1...6).map { Double($0) })
    var op = STFT()
    op.isOneSided = false
    let y = try compute(.stft(op), x, Tensor(scalar: Int64(5)), window)[0]
    #expect(y.shape == [1, 3, 6, 2])
    for frame in 0..<3 {
      let part = (0..<6).map { x.doubles[frame * 5 + $0] * Double($0 + 1) }
      let expected = sums(Tensor(part, shape: [1, 6, 1]), length: 6, sign: -1)
      let found = Tensor(Array(y.doubles[frame * 12..<frame * 12 + 12]))
      #expect(isNear(found, expected, tolerance: 1e-11))
    }
  }

  @Test func windows() throws {
    let size = Tensor(scalar: Int64(4))
    func window(_ kind: CosineWindow.Kind, periodic: Bool = true) throws -> Tensor {
      var op = CosineWindow(kind)
      op.isPeriodic = periodic
      return try compute(.cosineWindow(op), size)[0]
    }
    #expect(isNear(try window(.hann), [0, 0.5, 1, 0.5]))
    #expect(isNear(try window(.hann, periodic: false), [0, 0.75, 0.75, 0]))
    #expect(isNear(try window(.hamming), [4.0 / 46, 25.0 / 46, 1, 25.0 / 46]))
    #expect(isNear(try window(.blackman), [0, 0.34, 1, 0.34]))
  }

  @Test func bandsAreTriangles() throws {
    let inputs = [Tensor(scalar: Int64(4)), Tensor(scalar: Int64(16)), Tensor(scalar: Int64(8192))]
    let y = try compute(
      .melWeightMatrix(MelWeightMatrix()), inputs[0], inputs[1], inputs[2],
      Tensor(scalar: Float(0)),
      Tensor(scalar: Float(4096)))[0]
    #expect(y.shape == [9, 4])
    #expect(y.doubles.allSatisfy { $0 >= 0 && $0 <= 1 })
    for band in 0..<4 {
      #expect((0..<9).contains { y.doubles[$0 * 4 + band] == 1 })
    }
    #expect(throws: ComputeError.self) {
      try compute(
        .melWeightMatrix(MelWeightMatrix()), inputs[0], inputs[1], Tensor(scalar: Int64(0)),
        Tensor(scalar: Float(0)), Tensor(scalar: Float(4096)))
    }
  }
}
