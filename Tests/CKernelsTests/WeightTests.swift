import CKernels
import Testing

/// The kernels that read weights straight from a file's bytes.
@Suite struct WeightTests {
  private func lengths(_ isa: ISA) -> [Int] { Array(0...4 * isa.lanes + 2) + [777] }

  /// Random values among zeros of both signs, NaN and infinities.
  private func values(_ n: Int, random: inout Random) -> [Float] {
    (0..<n).map { _ in
      switch random.next() % 8 {
      case 0: 0
      case 1: -0.0
      case 2: .nan
      case 3: -.infinity
      case 4: .leastNonzeroMagnitude
      default: random.float()
      }
    }
  }

  /// The bytes one past a page's start, so that no value is aligned.
  private func unaligned<R>(_ values: [Float], _ body: (UnsafeRawPointer) -> R) -> R {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: values.count * 4 + 1, alignment: 64)
    defer { bytes.deallocate() }
    values.withUnsafeBytes {
      (bytes + 1).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(bytes), byteCount: $0.count)
    }
    return body(bytes + 1)
  }

  @Test(arguments: ISA.available) func countNonzero(isa: ISA) {
    var random = Random(seed: 51)
    for n in lengths(isa) {
      let x = values(n, random: &random)
      let count = unaligned(x) { isa.kernels.count_nonzero_f32(n, $0) }
      #expect(count == Int64(x.count { $0 != 0 }))
      let guarded = Guarded(x)
      #expect(isa.kernels.count_nonzero_f32(n, guarded.pointer) == count)
    }
  }

  @Test(arguments: ISA.available) func histogram(isa: ISA) {
    var random = Random(seed: 52)
    for n in [0, 1, isa.lanes, 777] {
      for x in [values(n, random: &random), random.floats(n)] {
        var expected = [UInt64](repeating: 3, count: 65536)
        for v in x { expected[Int(v.magnitude.bitPattern >> 16)] += 1 }
        var bins = [UInt64](repeating: 3, count: 65536)
        unaligned(x) { isa.kernels.f32_abs_histogram(n, $0, &bins) }
        #expect(bins == expected)
      }
    }
  }

  @Test(arguments: ISA.available) func maskCompressExpand(isa: ISA) {
    var random = Random(seed: 53)
    for n in lengths(isa) {
      for threshold in [Float(0), 0.25, 0.9, .infinity] {
        let x = values(n, random: &random)
        let bits = threshold.bitPattern
        var mask = [UInt8](repeating: 0xAA, count: (n + 7) / 8 + 1)
        unaligned(x) { isa.kernels.f32_mask_below(n, $0, bits, &mask) }
        #expect(mask.last == 0xAA)
        var expectedMask = [UInt8](repeating: 0, count: (n + 7) / 8) + [0xAA]
        for i in 0..<n where x[i].magnitude.bitPattern >= bits {
          expectedMask[i / 8] |= 1 << UInt8(i % 8)
        }
        #expect(mask == expectedMask)

        let kept = (0..<n).filter { mask[$0 / 8] >> UInt8($0 % 8) & 1 != 0 }
        let packed = Guarded(kept.count, repeating: untouched)
        let exactMask = Array(mask.dropLast())
        // Bits beyond n must not matter.
        var noisyMask = exactMask
        if n % 8 != 0 { noisyMask[n / 8] |= UInt8(truncatingIfNeeded: 0xFF << (n % 8)) }
        #expect(
          unaligned(x) { isa.kernels.f32_compress(n, $0, noisyMask, packed.pointer) } == kept.count)
        #expect(packed.values.map(\.bitPattern) == kept.map { x[$0].bitPattern })

        let spread = Guarded(n, repeating: untouched)
        #expect(isa.kernels.f32_expand(n, noisyMask, packed.pointer, spread.pointer) == kept.count)
        let keptSet = Set(kept)
        #expect(
          spread.values.map(\.bitPattern)
            == (0..<n).map { keptSet.contains($0) ? x[$0].bitPattern : 0 })
      }
    }
  }
}
