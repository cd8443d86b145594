import CKernels
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

typealias Kernels = UnsafePointer<sp_kernel_table>

/// The instruction sets this machine runs, each a test argument.
struct ISA: CustomTestStringConvertible, Sendable {
  let raw: sp_isa
  var kernels: sp_kernel_table { sp_kernels(raw).pointee }
  var lanes: Int { Int(kernels.vector_floats) }
  var testDescription: String { String(cString: sp_isa_name(raw)) }

  static let available = [SP_ISA_SCALAR, SP_ISA_AVX2, SP_ISA_AVX512, SP_ISA_NEON, SP_ISA_WASM]
    .filter { sp_isa_available($0) }.map { ISA(raw: $0) }
}

/// Errors that float32 arithmetic may make against a float64 oracle.
enum Tolerance {
  /// Of a sum, relative to the sum of its terms' magnitudes.
  static let sum = 1e-6
  /// Of an elementary function, relative to its value.
  static let function = 1e-6
  /// Of erf and what is built on it, absolute.
  static let erf = 2e-7
}

/// A deterministic generator; tests name their seeds.
struct Random: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }

  /// In [-1, 1).
  mutating func float() -> Float { Float(Int32(truncatingIfNeeded: next() >> 32)) * 0x1p-31 }
  mutating func floats(_ count: Int) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    for i in 0..<count { values[i] = float() }
    return values
  }
}

/// Floats that touch an inaccessible page at their end or at their start: a read or write beyond them crashes.
final class Guarded {
  enum Side { case end, start }

  let count: Int
  let pointer: UnsafeMutablePointer<Float>
  private let base: UnsafeMutableRawPointer
  private let length: Int

  init(_ count: Int, repeating value: Float = 0, against side: Side = .end) {
    let page = 4096
    let bytes = (count * 4 + page - 1) / page * page
    self.count = count
    length = bytes + 2 * page
    guard
      let mapped = mmap(
        nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      mapped != MAP_FAILED
    else { preconditionFailure("no memory for a guarded array") }
    base = mapped
    precondition(mprotect(base, page, PROT_NONE) == 0)
    precondition(mprotect(base + page + bytes, page, PROT_NONE) == 0)
    let start = side == .end ? base + page + bytes - count * 4 : base + page
    pointer = start.bindMemory(to: Float.self, capacity: max(count, 1))
    pointer.update(repeating: value, count: count)
  }

  convenience init(_ values: [Float], against side: Side = .end) {
    self.init(values.count, against: side)
    for i in values.indices { pointer[i] = values[i] }
  }

  var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

  deinit { munmap(base, length) }
}

/// What a cell should hold: a value within an error, or that no kernel wrote to it.
struct Expected {
  var value: Double
  var error: Double

  init(_ value: Double, error: Double) {
    self.value = value
    self.error = error
  }
}

/// Marks cells that must stay as they were.
let untouched: Float = -77.125

/// Compares cell by cell; `expected[i] == nil` means untouched. One failure is reported, the first.
func check(
  _ actual: Guarded, _ expected: [Expected?], _ context: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  precondition(actual.count == expected.count)
  for i in expected.indices {
    let got = actual.pointer[i]
    let good: Bool
    if let want = expected[i] {
      let value = want.value
      if value.isNaN {
        good = got.isNaN
      } else if value.isInfinite || got.isInfinite {
        good = Double(got) == value || (abs(value) > 3.4e38 && got.isInfinite)
      } else {
        good = abs(Double(got) - value) <= want.error
      }
    } else {
      good = got == untouched
    }
    if !good {
      let want = expected[i].map { "\($0.value) ± \($0.error)" } ?? "untouched"
      Issue.record("\(context()): cell \(i) is \(got), not \(want)", sourceLocation: sourceLocation)
      return
    }
  }
}

/// Every combination of an epilogue's parts, with the arrays they point to.
struct EpilogueCase {
  var rowBias = false
  var columnBias = false
  var residual = false
  var clamp = false
  var accumulate = false
  var last = true

  static let all: [EpilogueCase] = (0..<64).map { bits in
    EpilogueCase(
      rowBias: bits & 1 != 0, columnBias: bits & 2 != 0, residual: bits & 4 != 0,
      clamp: bits & 8 != 0, accumulate: bits & 16 != 0, last: bits & 32 == 0)
  }
  /// One that uses everything, and a plain one.
  static let few = [
    EpilogueCase(), EpilogueCase(accumulate: true, last: false),
    EpilogueCase(rowBias: true, columnBias: true, residual: true, clamp: true, accumulate: true),
  ]
}

/// An epilogue over an m x n result, its inputs ending at guard pages, and its meaning in float64.
final class EpilogueInputs {
  let choice: EpilogueCase
  let rowBias, columnBias, residual: Guarded
  let stride: Int

  init(_ choice: EpilogueCase, rows: Int, columns: Int, random: inout Random) {
    self.choice = choice
    stride = columns + 3
    rowBias = Guarded(random.floats(rows))
    columnBias = Guarded(random.floats(columns))
    residual = Guarded(random.floats(max(0, (rows - 1) * stride + columns)))
  }

  var value: sp_epilogue {
    sp_epilogue(
      row_bias: choice.rowBias ? UnsafePointer(rowBias.pointer) : nil,
      column_bias: choice.columnBias ? UnsafePointer(columnBias.pointer) : nil,
      residual: choice.residual ? UnsafePointer(residual.pointer) : nil,
      residual_stride: stride, lo: choice.clamp ? -0.25 : -.infinity,
      hi: choice.clamp ? 0.5 : .infinity, accumulate: choice.accumulate, last: choice.last)
  }

  /// `magnitude` is the sum of the terms' magnitudes, to which the allowed error is relative.
  func finish(_ sum: Double, magnitude: Double, i: Int, j: Int, present: Float) -> Expected {
    var sum = sum
    var magnitude = magnitude
    func add(_ x: Float) {
      sum += Double(x)
      magnitude += abs(Double(x))
    }
    if choice.accumulate { add(present) }
    if choice.last {
      if choice.rowBias { add(rowBias.pointer[i]) }
      if choice.columnBias { add(columnBias.pointer[j]) }
      if choice.residual { add(residual.pointer[i * stride + j]) }
      if choice.clamp, !sum.isNaN { sum = min(max(sum, -0.25), 0.5) }
    }
    return Expected(sum, error: Tolerance.sum * magnitude)
  }
}
