import Foundation
import SparrowTestSupport
import Testing

@testable import Sparrow

/// Binary files of CIFAR-10 and CIFAR-100, written here by their description.
struct CIFARFileTests {
  private static let pixels = 3072

  /// Records whose pixel j of record i is i + j.
  private func records(_ labels: [[UInt8]], first: Int = 0) -> Data {
    Data(
      labels.enumerated().flatMap { i, own in
        own + (0..<Self.pixels).map { UInt8(truncatingIfNeeded: first + i + $0) }
      })
  }

  private func write(_ data: Data, _ folder: String, _ name: String) throws -> String {
    try data.write(to: URL(fileURLWithPath: folder + "/" + name))
    return folder + "/" + name
  }

  @Test func foldersOfTen() throws {
    try TemporaryFolder.use { folder in
      _ = try write(records([[3], [9]]), folder, "data_batch_1.bin")
      _ = try write(records([[0]], first: 2), folder, "data_batch_2.bin")
      _ = try write(records([[5]], first: 7), folder, "test_batch.bin")
      let train = try Dataset(path: folder, purpose: .calibration)
      #expect(train.samples.shape == [3, 3, 32, 32])
      #expect(train.labels == [3, 9, 0])
      let bytes = train.samples.array(of: UInt8.self)
      for (i, byte) in bytes.enumerated() {
        let expected = UInt8(truncatingIfNeeded: i / Self.pixels + i % Self.pixels)
        guard byte == expected else {
          Issue.record("byte \(i) is \(byte), expected \(expected)")
          break
        }
      }
      let test = try Dataset(path: folder)
      #expect(test.labels == [5] && test.samples.array(of: UInt8.self)[0] == 7)
      #expect(try Dataset(path: folder + "/data_batch_1.bin").labels == [3, 9])
    }
  }

  @Test func fineLabelsOfAHundred() throws {
    try TemporaryFolder.use { folder in
      let path = try write(records([[19, 99], [0, 20]]), folder, "train.bin")
      #expect(try Dataset(path: path).labels == [99, 20])
      #expect(try Dataset(path: folder, split: .train).labels == [99, 20])
      let error = #expect(throws: SparrowError.self) { try Dataset(path: folder) }
      #expect(error?.message.contains("no test part") == true, "\(error?.message ?? "")")
    }
  }

  @Test func isRefused() throws {
    try TemporaryFolder.use { folder in
      let cases: [(Data, String)] = [
        (Data(), "whole records"), (records([[1]]).dropLast(), "whole records"),
        (records([[1]]) + Data([0, 0]), "whole records"),
        (records([[1], [10]]), "label of record 1"), (records([[20, 5]]), "label of record 0"),
        (records([[3, 100]]), "label of record 0"),
      ]
      for (i, (data, fragment)) in cases.enumerated() {
        let path = try write(data, folder, "\(i).bin")
        let error = #expect(throws: SparrowError.self) { try Dataset(path: path) }
        let message = error?.message ?? ""
        #expect(message.contains(fragment) || (i == 0 && !message.isEmpty), "\(i): \(message)")
      }
      let mixed = try TemporaryFolder()
      _ = try write(records([[1]]), mixed.path(""), "data_batch_1.bin")
      _ = try write(records([[1, 2]]), mixed.path(""), "data_batch_2.bin")
      #expect(throws: SparrowError.self) { try Dataset(path: mixed.path(""), split: .train) }
    }
  }
}
