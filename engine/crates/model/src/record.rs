//! Accounting records: what consumers get, before any format.
//! Documented in `wit/records.wit`, whose items these are.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::record_type::RecordType;
use super::{Attribute, Quantity};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Id of the record. The same resource, type, window and month give the same
    /// id, and no other record does.
    pub id: String,
    /// The consumer's key: of two records of a type with the same key the
    /// consumer keeps the one it received last. For a cloud record the VM
    /// and the month.
    pub supersedes: String,
    /// The moment for which the record speaks.
    pub measured_at: i64,
    /// Facts for which the record has no field.
    pub attributes: Vec<Attribute>,
}

/// What a CPU or an accelerator achieves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// BenchmarkType; absent where only a value is known.
    pub name: Option<String>,
    /// Benchmark; absent where only the name is known.
    pub value: Option<f64>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// A VM: APEL cloud usage record v0.4. Durations are cumulative since `start`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CloudRecord {
    /// Head.
    pub head: Head,
    /// VMUUID.
    pub vm_uuid: String,
    /// SiteName.
    pub site_name: String,
    /// CloudComputeService.
    pub compute_service: String,
    /// CloudType.
    pub cloud_type: String,
    /// MachineName.
    pub machine_name: String,
    /// LocalUserId.
    pub local_user_id: Option<String>,
    /// LocalGroupId.
    pub local_group_id: String,
    /// GlobalUserName.
    pub global_user_name: Option<String>,
    /// FQAN.
    pub fqan: String,
    /// Status: `started`, `completed`, `error`, `paused`, `suspended`,
    /// `stopped`, `unknown`.
    pub status: String,
    /// StartTime.
    pub start: i64,
    /// EndTime; absent while the VM runs.
    pub end: Option<i64>,
    /// SuspendDuration.
    pub suspend_seconds: Option<u64>,
    /// WallDuration.
    pub wall_seconds: Option<u64>,
    /// CpuDuration.
    pub cpu_seconds: Option<u64>,
    /// CpuCount: a fraction where VMs share a CPU.
    pub cpu_count: Option<f64>,
    /// NetworkType.
    pub network_type: Option<String>,
    /// NetworkInbound, which APEL counts in GB.
    pub network_inbound_bytes: Option<u64>,
    /// NetworkOutbound, which APEL counts in GB.
    pub network_outbound_bytes: Option<u64>,
    /// PublicIPCount.
    pub public_ip_count: Option<u32>,
    /// Memory.
    pub memory_mib: Option<u64>,
    /// Disk.
    pub disk_gib: Option<u64>,
    /// BenchmarkType and Benchmark, the preferred one first.
    pub benchmarks: Vec<Benchmark>,
    /// StorageRecordId.
    pub storage_record_id: Option<String>,
    /// ImageId.
    pub image_id: Option<String>,
}

/// Public IP addresses held at one moment: APEL public IP usage record v0.2.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct IpRecord {
    /// Head; `measured-at` is MeasurementTime.
    pub head: Head,
    /// SiteName.
    pub site_name: String,
    /// CloudComputeService.
    pub compute_service: String,
    /// CloudType.
    pub cloud_type: String,
    /// LocalUser.
    pub local_user: Option<String>,
    /// LocalGroup.
    pub local_group: String,
    /// GlobalUserName.
    pub global_user_name: Option<String>,
    /// FQAN.
    pub fqan: String,
    /// IPVersion: 4 or 6.
    pub ip_version: u8,
    /// IPCount.
    pub ip_count: u32,
}

/// An accelerator's use by a VM in a month: APEL accelerator usage record v0.1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AcceleratorRecord {
    /// Head.
    pub head: Head,
    /// MeasurementMonth, 1 to 12.
    pub month: u8,
    /// MeasurementYear.
    pub year: u16,
    /// AssociatedRecordType: `cloud`.
    pub associated_record_type: String,
    /// AssociatedRecord: the VM's uuid.
    pub associated_record: String,
    /// SiteName.
    pub site_name: String,
    /// CloudComputeService.
    pub compute_service: String,
    /// CloudType.
    pub cloud_type: String,
    /// GlobalUserName.
    pub global_user_name: Option<String>,
    /// FQAN.
    pub fqan: String,
    /// Count: 0.5 where two VMs share one.
    pub count: f64,
    /// Cores.
    pub cores: Option<u32>,
    /// ActiveDuration within the month.
    pub active_seconds: u64,
    /// AvailableDuration within the month.
    pub available_seconds: u64,
    /// BenchmarkType and Benchmark, the preferred one first.
    pub benchmarks: Vec<Benchmark>,
    /// Type: `GPU`, `FPGA`, `Other`.
    pub accelerator_type: String,
    /// Model.
    pub model: Option<String>,
}

/// Storage held over an interval: StAR storage usage record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StorageRecord {
    /// Head; `id` is the recordId.
    pub head: Head,
    /// Id of what holds the data: a volume, a share, a bucket.
    pub resource_id: String,
    /// StorageSystem.
    pub storage_system: String,
    /// Site.
    pub site_name: String,
    /// CloudType, for consumers other than StAR's.
    pub cloud_type: String,
    /// createTime: when the record was made, not the resource.
    pub create_time: i64,
    /// StartTime.
    pub start: i64,
    /// EndTime.
    pub end: i64,
    /// ResourceCapacityUsed.
    pub capacity_bytes: u64,
    /// LogicalCapacityUsed.
    pub logical_capacity_bytes: Option<u64>,
    /// ResourceCapacityAllocated.
    pub allocated_bytes: Option<u64>,
    /// StorageShare.
    pub storage_share: Option<String>,
    /// StorageMedia.
    pub storage_media: Option<String>,
    /// StorageClass.
    pub storage_class: Option<String>,
    /// FileCount.
    pub file_count: Option<u64>,
    /// DirectoryPath.
    pub directory_path: Option<String>,
    /// LocalUser.
    pub local_user: Option<String>,
    /// LocalGroup.
    pub local_group: Option<String>,
    /// UserIdentity.
    pub user_identity: Option<String>,
    /// Group.
    pub group: Option<String>,
    /// GroupAttribute of attributeType `subgroup`.
    pub sub_group: Option<String>,
    /// GroupAttribute of attributeType `role`.
    pub role: Option<String>,
}

/// Energy used by a VM: GreenDIGIT CIM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EnergyRecord {
    /// Head.
    pub head: Head,
    /// ExecUnitID.
    pub exec_unit_id: String,
    /// SiteName.
    pub site_name: String,
    /// CloudComputeService.
    pub compute_service: String,
    /// CloudType.
    pub cloud_type: String,
    /// StartExecTime.
    pub start: i64,
    /// EndExecTime.
    pub end: i64,
    /// EnergyWh.
    pub watt_hours: f64,
    /// Work.
    pub work: Option<f64>,
    /// Efficiency.
    pub efficiency: Option<f64>,
    /// WallClockTime_s.
    pub wall_seconds: u64,
    /// CpuDuration_s.
    pub cpu_seconds: Option<u64>,
    /// SuspendDuration_s.
    pub suspend_seconds: Option<u64>,
    /// CPUNormalizationFactor.
    pub cpu_normalization_factor: Option<f64>,
    /// ExecUnitFinished.
    pub finished: bool,
    /// Status.
    pub status: String,
    /// Owner.
    pub owner: String,
}

/// A record of a type that this version of the contract has no case for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OtherRecord {
    /// Head.
    pub head: Head,
    /// The record type, as in `object-storage`.
    pub kind: String,
    /// Id of the resource.
    pub resource_id: String,
    /// When the interval began that the quantities are of.
    pub start: i64,
    /// When it ended.
    pub end: i64,
    /// What was used in it.
    pub quantities: Vec<Quantity>,
    /// What quantities and attributes cannot say, as one JSON object.
    pub payload: Option<String>,
}

/// One record of any type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AccountingRecord {
    /// A VM.
    Cloud(CloudRecord),
    /// Public IP addresses.
    Ip(IpRecord),
    /// An accelerator.
    Accelerator(AcceleratorRecord),
    /// Storage.
    Storage(StorageRecord),
    /// Energy.
    Energy(EnergyRecord),
    /// Anything else.
    Other(OtherRecord),
}

/// Records of one type, as a rule somebody else's: an offer copies none of them.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordList<'a> {
    /// VMs.
    Cloud(Vec<Cow<'a, CloudRecord>>),
    /// Public IP addresses.
    Ip(Vec<Cow<'a, IpRecord>>),
    /// Accelerators.
    Accelerator(Vec<Cow<'a, AcceleratorRecord>>),
    /// Storage.
    Storage(Vec<Cow<'a, StorageRecord>>),
    /// Energy.
    Energy(Vec<Cow<'a, EnergyRecord>>),
    /// Anything else; all of the same `kind`.
    Other(Vec<Cow<'a, OtherRecord>>),
}

impl AccountingRecord {
    /// The record type's name, as in `record_types`.
    pub fn record_type(&self) -> &str {
        match self.known_type() {
            Ok(known) => known.name(),
            Err(kind) => kind,
        }
    }

    /// Its type; for an `other` record its kind instead, whatever that is called.
    ///
    /// # Errors
    /// It is an `other` record.
    pub fn known_type(&self) -> Result<RecordType, &str> {
        Ok(match self {
            Self::Cloud(_) => RecordType::Cloud,
            Self::Ip(_) => RecordType::Ip,
            Self::Accelerator(_) => RecordType::Accelerator,
            Self::Storage(_) => RecordType::Storage,
            Self::Energy(_) => RecordType::Energy,
            Self::Other(record) => return Err(&record.kind),
        })
    }

    pub fn head(&self) -> &Head {
        match self {
            Self::Cloud(record) => &record.head,
            Self::Ip(record) => &record.head,
            Self::Accelerator(record) => &record.head,
            Self::Storage(record) => &record.head,
            Self::Energy(record) => &record.head,
            Self::Other(record) => &record.head,
        }
    }

    /// The first number of the record that is infinite or none at all, by the
    /// contract's name for it. JSON cannot hold such a number: on disk it would
    /// silently become nothing.
    pub fn not_finite(&self) -> Option<&'static str> {
        let own: &[(&str, Option<f64>)] = match self {
            Self::Cloud(record) => &[("cpu-count", record.cpu_count)],
            Self::Accelerator(record) => &[("count", Some(record.count))],
            Self::Energy(record) => &[
                ("watt-hours", Some(record.watt_hours)),
                ("work", record.work),
                ("efficiency", record.efficiency),
                ("cpu-normalization-factor", record.cpu_normalization_factor),
            ],
            Self::Ip(_) | Self::Storage(_) | Self::Other(_) => &[],
        };
        let benchmarks: &[Benchmark] = match self {
            Self::Cloud(record) => &record.benchmarks,
            Self::Accelerator(record) => &record.benchmarks,
            _ => &[],
        };
        let quantities: &[Quantity] = match self {
            Self::Other(record) => &record.quantities,
            _ => &[],
        };
        let benchmarks = benchmarks.iter().map(|known| ("benchmarks", known.value));
        let quantities = quantities
            .iter()
            .map(|known| ("quantities", Some(known.value)));
        own.iter()
            .copied()
            .chain(benchmarks)
            .chain(quantities)
            .find(|(_, number)| number.is_some_and(|number| !number.is_finite()))
            .map(|(name, _)| name)
    }
}

impl RecordList<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::Cloud(records) => records.len(),
            Self::Ip(records) => records.len(),
            Self::Accelerator(records) => records.len(),
            Self::Storage(records) => records.len(),
            Self::Energy(records) => records.len(),
            Self::Other(records) => records.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records, one by one.
    pub fn into_records(self) -> Vec<AccountingRecord> {
        macro_rules! each {
            ($records:expr, $case:ident) => {
                $records
                    .into_iter()
                    .map(|record| AccountingRecord::$case(record.into_owned()))
                    .collect()
            };
        }
        match self {
            Self::Cloud(records) => each!(records, Cloud),
            Self::Ip(records) => each!(records, Ip),
            Self::Accelerator(records) => each!(records, Accelerator),
            Self::Storage(records) => each!(records, Storage),
            Self::Energy(records) => each!(records, Energy),
            Self::Other(records) => each!(records, Other),
        }
    }

    /// No records, of the same type.
    #[must_use]
    pub fn none(&self) -> Self {
        match self {
            Self::Cloud(_) => Self::Cloud(Vec::new()),
            Self::Ip(_) => Self::Ip(Vec::new()),
            Self::Accelerator(_) => Self::Accelerator(Vec::new()),
            Self::Storage(_) => Self::Storage(Vec::new()),
            Self::Energy(_) => Self::Energy(Vec::new()),
            Self::Other(_) => Self::Other(Vec::new()),
        }
    }
}

impl<'a> RecordList<'a> {
    /// Those of a type; others stay out. None is anything that the contract does not name.
    pub fn of(
        kind: Option<RecordType>,
        records: impl Iterator<Item = &'a AccountingRecord>,
    ) -> Self {
        macro_rules! only {
            ($case:ident) => {
                Self::$case(
                    records
                        .filter_map(|record| match record {
                            AccountingRecord::$case(record) => Some(Cow::Borrowed(record)),
                            _ => None,
                        })
                        .collect(),
                )
            };
        }
        match kind {
            Some(RecordType::Cloud) => only!(Cloud),
            Some(RecordType::Ip) => only!(Ip),
            Some(RecordType::Accelerator) => only!(Accelerator),
            Some(RecordType::Storage) => only!(Storage),
            Some(RecordType::Energy) => only!(Energy),
            None => only!(Other),
        }
    }

    /// The same records, kept by the list itself.
    #[must_use]
    pub fn into_owned(self) -> RecordList<'static> {
        macro_rules! each {
            ($records:expr, $case:ident) => {
                RecordList::$case(
                    $records
                        .into_iter()
                        .map(|record| Cow::Owned(record.into_owned()))
                        .collect(),
                )
            };
        }
        match self {
            Self::Cloud(records) => each!(records, Cloud),
            Self::Ip(records) => each!(records, Ip),
            Self::Accelerator(records) => each!(records, Accelerator),
            Self::Storage(records) => each!(records, Storage),
            Self::Energy(records) => each!(records, Energy),
            Self::Other(records) => each!(records, Other),
        }
    }
}

/// As a test or a filter makes them.
macro_rules! owned {
    ($($case:ident of $record:ty),* $(,)?) => {
        $(
            impl From<Vec<$record>> for RecordList<'static> {
                fn from(records: Vec<$record>) -> Self {
                    Self::$case(records.into_iter().map(Cow::Owned).collect())
                }
            }
        )*
    };
}

owned! {
    Cloud of CloudRecord, Ip of IpRecord, Accelerator of AcceleratorRecord, Storage of StorageRecord,
    Energy of EnergyRecord, Other of OtherRecord,
}
